#pragma once

#include <span>
#include <string_view>

#include "data/byte_image.hpp"
#include "data/random.hpp"

namespace deepmoe {

/// One operation of RandAugment (Cubuk et al., 2020), with torchvision's range.
struct AugmentOperation {
  std::string_view name;
  bool has_direction;                                ///< whether a negative strength means the opposite
  void (*apply)(ByteImage& image, double strength);  ///< 0 (nothing) to 1 or, with a direction, -1 to 1
};

std::span<const AugmentOperation> augment_operations();

/// Applies `count` operations, each drawn from all of them, with strength `magnitude` / 30 in a random
/// direction.
void random_augment(ByteImage& image, std::int64_t count, std::int64_t magnitude, RandomStream& random);

}  // namespace deepmoe
