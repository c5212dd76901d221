#include "data/random_augment.hpp"

#include <array>
#include <cmath>

#include "data/color.hpp"
#include "data/tone.hpp"
#include "data/warp.hpp"

namespace deepmoe {
namespace {

constexpr double kLargestMagnitude = 30.0;
constexpr double kSlope = 0.3, kShift = 150.0 / 331.0, kDegrees = 30.0, kChange = 0.9, kBits = 4.0;

std::int64_t shift(std::int64_t side, double strength) {
  return static_cast<std::int64_t>(kShift * static_cast<double>(side) * strength);
}

using Image = ByteImage;

constexpr std::array<AugmentOperation, 14> kOperations{{
    {"identity", false, [](Image&, double) {}},
    {"shear_x", true, [](Image& image, double strength) { shear_rows(image, kSlope * strength); }},
    {"shear_y", true, [](Image& image, double strength) { shear_columns(image, kSlope * strength); }},
    {"translate_x", true,
     [](Image& image, double strength) { translate(image, shift(image.width, strength), 0); }},
    {"translate_y", true,
     [](Image& image, double strength) { translate(image, 0, shift(image.height, strength)); }},
    {"rotate", true, [](Image& image, double strength) { rotate(image, kDegrees * strength); }},
    {"brightness", true,
     [](Image& image, double strength) { adjust_brightness(image, 1 + kChange * strength); }},
    {"color", true, [](Image& image, double strength) { adjust_saturation(image, 1 + kChange * strength); }},
    {"contrast", true, [](Image& image, double strength) { adjust_contrast(image, 1 + kChange * strength); }},
    {"sharpness", true,
     [](Image& image, double strength) { adjust_sharpness(image, 1 + kChange * strength); }},
    {"posterize", false,
     [](Image& image, double strength) {
       posterize(image, 8 - static_cast<int>(std::lround(kBits * strength)));
     }},
    {"solarize", false, [](Image& image, double strength) { solarize(image, 256.0 * (1 - strength)); }},
    {"auto_contrast", false, [](Image& image, double) { stretch_contrast(image); }},
    {"equalize", false, [](Image& image, double) { equalize(image); }},
}};

}  // namespace

std::span<const AugmentOperation> augment_operations() { return kOperations; }

void random_augment(ByteImage& image, std::int64_t count, std::int64_t magnitude, RandomStream& random) {
  for (std::int64_t i = 0; i < count; ++i) {
    const AugmentOperation& operation = kOperations[random.below(kOperations.size())];
    const double strength = static_cast<double>(magnitude) / kLargestMagnitude;
    const bool opposite = operation.has_direction && random.below(2) == 1;
    operation.apply(image, opposite ? -strength : strength);
  }
}

}  // namespace deepmoe
