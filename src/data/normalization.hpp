#pragma once

#include <cstdint>

#include "data/data.hpp"

namespace deepmoe {

inline constexpr Normalization kCifar10Normalization{{0.4914F, 0.4822F, 0.4465F},
                                                     {0.2470F, 0.2435F, 0.2616F}};
inline constexpr Normalization kCifar100Normalization{{0.5071F, 0.4865F, 0.4409F},
                                                      {0.2673F, 0.2564F, 0.2762F}};
inline constexpr Normalization kImagenetNormalization{{0.485F, 0.456F, 0.406F}, {0.229F, 0.224F, 0.225F}};

/// Images up to this side are treated as CIFAR's, larger ones as ImageNet's.
inline constexpr std::int64_t kSmallImageSize = 64;

/// What images of unknown origin are normalised with; `image_size` 0 means that sizes differ.
constexpr Normalization usual_normalization(std::int64_t image_size) {
  return image_size > 0 && image_size <= kSmallImageSize ? kCifar10Normalization : kImagenetNormalization;
}

}  // namespace deepmoe
