#pragma once

#include <cstdint>
#include <memory>

#include "data/data.hpp"

namespace deepmoe {

/// How many classes the synthetic data set can tell apart.
std::int64_t most_synthetic_classes();

/// Procedural images of image_size x image_size, made when they are asked for. A class is a combination of a
/// texture (orientation and spacing of stripes), a shape, an arrangement of shapes and a background; colours,
/// contrast, phase, place and scale are random, so that no pixel on its own tells the class, and mirroring an
/// image keeps it. The images depend on (seed, split, index) alone, and the splits share none.
std::shared_ptr<const Dataset> synthetic_dataset(std::int64_t size, std::int64_t num_classes,
                                                 std::int64_t image_size, std::uint64_t seed, bool training);

}  // namespace deepmoe
