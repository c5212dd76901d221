#include "data/color.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace deepmoe {
namespace {

/// The shares of a pixel and of its dull version.
struct Blend {
  explicit Blend(double factor) : own(static_cast<float>(factor)), dull(static_cast<float>(1.0 - factor)) {}
  std::uint8_t operator()(float pixel, float dull_pixel) const {
    return static_cast<std::uint8_t>(std::clamp(own * pixel + dull * dull_pixel, 0.0F, 255.0F));
  }
  float own, dull;
};

/// The brightness of each pixel, in whole numbers.
std::vector<std::uint8_t> grey_plane(const ByteImage& image) {
  std::vector<std::uint8_t> grey(static_cast<std::size_t>(image.plane_size()));
  const std::uint8_t *red = image.plane(0), *green = image.plane(1), *blue = image.plane(2);
  for (std::size_t i = 0; i < grey.size(); ++i) {
    grey[i] = static_cast<std::uint8_t>(0.2989F * static_cast<float>(red[i]) +
                                        0.587F * static_cast<float>(green[i]) +
                                        0.114F * static_cast<float>(blue[i]));
  }
  return grey;
}

/// Blends with one value.
void blend_all(ByteImage& image, float dull, double factor) {
  const Blend blend(factor);
  std::array<std::uint8_t, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = blend(static_cast<float>(i), dull);
  }
  for (std::uint8_t& pixel : image.pixels) pixel = table[pixel];
}

}  // namespace

void adjust_brightness(ByteImage& image, double factor) { blend_all(image, 0.0F, factor); }

void adjust_contrast(ByteImage& image, double factor) {
  std::int64_t sum = 0;
  for (const std::uint8_t value : grey_plane(image)) sum += value;
  blend_all(image, static_cast<float>(static_cast<double>(sum) / static_cast<double>(image.plane_size())),
            factor);
}

void adjust_saturation(ByteImage& image, double factor) {
  const std::vector<std::uint8_t> grey = grey_plane(image);
  const Blend blend(factor);
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    std::uint8_t* plane = image.plane(channel);
    for (std::size_t i = 0; i < grey.size(); ++i) plane[i] = blend(plane[i], grey[i]);
  }
}

void adjust_sharpness(ByteImage& image, double factor) {
  if (image.height < 3 || image.width < 3) return;
  constexpr int center_weight = 5, weights = 13;  // the eight neighbours have weight 1
  const ByteImage sharp = image;
  const Blend blend(factor);
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    for (std::int64_t y = 1; y + 1 < image.height; ++y) {
      const std::uint8_t* above = sharp.plane(channel) + (y - 1) * image.width;
      const std::uint8_t *here = above + image.width, *below = here + image.width;
      std::uint8_t* row = image.plane(channel) + y * image.width;
      for (std::int64_t x = 1; x + 1 < image.width; ++x) {
        int sum = (center_weight - 1) * here[x];
        for (std::int64_t i = x - 1; i <= x + 1; ++i) sum += above[i] + here[i] + below[i];
        const int smooth = (sum + weights / 2) / weights;
        row[x] = blend(here[x], static_cast<float>(smooth));
      }
    }
  }
}

void jitter_colors(ByteImage& image, double strength, RandomStream& random) {
  std::array<void (*)(ByteImage&, double), 3> adjustments{adjust_brightness, adjust_contrast,
                                                          adjust_saturation};
  for (std::size_t remaining = adjustments.size(); remaining > 1; --remaining) {
    std::swap(adjustments[remaining - 1], adjustments[random.below(remaining)]);
  }
  for (const auto adjust : adjustments) {
    adjust(image, random.uniform(std::max(0.0, 1.0 - strength), 1.0 + strength));
  }
}

}  // namespace deepmoe
