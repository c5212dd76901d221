#pragma once

#include <array>
#include <cstdint>

namespace deepmoe {

/// The properties by which classes of the synthetic data set differ. With few classes only the first ones are
/// told apart by the class; the others vary at random.
struct SyntheticClass {
  static constexpr std::int64_t kOrientations = 5, kSpacings = 2, kShapes = 6, kArrangements = 4,
                                kBackgrounds = 6;
  static constexpr std::int64_t kCount = kOrientations * kSpacings * kShapes * kArrangements * kBackgrounds;

  /// -1: at random.
  std::int64_t orientation = 0, spacing = 0, shape = -1, arrangement = -1, background = -1;
};

/// What class `label` of `num_classes` is made of.
SyntheticClass synthetic_class(std::int64_t label, std::int64_t num_classes);

/// Draws one image of that class: 3 planes of image_size x image_size bytes at `pixels`.
void draw_synthetic(const SyntheticClass& kind, std::int64_t image_size, std::uint64_t seed,
                    std::uint8_t* pixels);

}  // namespace deepmoe
