#pragma once

#include <cstdint>

#include "options/options.hpp"

namespace deepmoe::capi {

/// A copy in which num_classes and image_size, if left open (0), have these values.
Options resolve_sizes(const Options& options, std::int64_t num_classes, std::int64_t image_size);

/// What the two count as when neither options nor a data set tell.
inline constexpr std::int64_t default_num_classes = 1000;
inline constexpr std::int64_t default_image_size = 224;

}  // namespace deepmoe::capi
