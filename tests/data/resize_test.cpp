#include "data/resize.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "data/random.hpp"

using namespace deepmoe;

namespace {

/// One pixel of the resized image, straight from the definition: a triangle as wide as an output pixel (or an
/// input pixel, if that is wider) in both directions, normalised over the pixels that exist.
double resized_pixel(const std::vector<float>& plane, std::int64_t height, std::int64_t width,
                     std::int64_t new_height, std::int64_t new_width, std::int64_t row, std::int64_t column) {
  const auto triangle = [](double center, double scale, std::int64_t position) {
    return std::max(0.0, 1.0 - std::abs(static_cast<double>(position) + 0.5 - center) / std::max(scale, 1.0));
  };
  const double row_scale = static_cast<double>(height) / static_cast<double>(new_height);
  const double column_scale = static_cast<double>(width) / static_cast<double>(new_width);
  const double center_y = (static_cast<double>(row) + 0.5) * row_scale;
  const double center_x = (static_cast<double>(column) + 0.5) * column_scale;
  double sum = 0.0, weights = 0.0;
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const double weight = triangle(center_y, row_scale, y) * triangle(center_x, column_scale, x);
      sum += weight * static_cast<double>(plane[static_cast<std::size_t>(y * width + x)]);
      weights += weight;
    }
  }
  return sum / weights;
}

}  // namespace

TEST_CASE("resizing equals its definition for every size type and layout") {
  RandomStream random(1);
  for (int trial = 0; trial < 60; ++trial) {
    const auto between = [&](int low, int high) {
      return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
    };
    const std::int64_t channels = random.below(2) == 0 ? 1 : 3, height = between(1, 20),
                       width = between(1, 20);
    const std::int64_t new_height = between(1, 30), new_width = between(1, 30);
    Rectangle window{between(0, static_cast<int>(new_height) - 1),
                     between(0, static_cast<int>(new_width) - 1), 0, 0};
    window.height = between(1, static_cast<int>(new_height - window.top));
    window.width = between(1, static_cast<int>(new_width - window.left));
    const bool interleaved = random.below(2) == 0, bytes = random.below(2) == 0,
               mirrored = random.below(2) == 0;
    const PixelMap map{{1.0F, 0.5F, 2.0F}, {0.0F, 3.0F, -7.0F}};

    std::vector<std::vector<float>> planes(static_cast<std::size_t>(channels));
    std::vector<std::uint8_t> byte_pixels(static_cast<std::size_t>(channels * height * width));
    std::vector<float> float_pixels(byte_pixels.size());
    ImageView view{nullptr, bytes ? PixelType::u8 : PixelType::f32, channels, height, width, 0, 0, 0};
    view.channel_stride = interleaved ? 1 : height * width;
    view.row_stride = interleaved ? channels * width : width;
    view.column_stride = interleaved ? channels : 1;
    view.data = bytes ? static_cast<const void*>(byte_pixels.data()) : float_pixels.data();
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
          const auto value = static_cast<std::uint8_t>(random.next());
          const auto at = static_cast<std::size_t>(c * view.channel_stride + y * view.row_stride +
                                                   x * view.column_stride);
          byte_pixels[at] = value;
          float_pixels[at] = value;
          planes[static_cast<std::size_t>(c)].push_back(value);
        }
      }
    }

    std::vector<float> output(static_cast<std::size_t>(3 * window.height * window.width));
    const double row_scale = static_cast<double>(height) / static_cast<double>(new_height);
    const double column_scale = static_cast<double>(width) / static_cast<double>(new_width);
    const Area area{
        static_cast<double>(window.top) * row_scale, static_cast<double>(window.left) * column_scale,
        static_cast<double>(window.height) * row_scale, static_cast<double>(window.width) * column_scale};
    resize_area(view, area, {window.height, window.width}, map, mirrored,
                {output.data(), window.height * window.width, window.width});
    double largest = 0.0;
    for (std::int64_t c = 0; c < 3; ++c) {
      for (std::int64_t y = 0; y < window.height; ++y) {
        for (std::int64_t x = 0; x < window.width; ++x) {
          const std::int64_t column = window.left + (mirrored ? window.width - 1 - x : x);
          const double pixel = resized_pixel(planes[static_cast<std::size_t>(channels == 1 ? 0 : c)], height,
                                             width, new_height, new_width, window.top + y, column);
          const auto colour = static_cast<std::size_t>(c);
          const double expected =
              pixel * static_cast<double>(map.scale[colour]) + static_cast<double>(map.bias[colour]);
          const float got = output[static_cast<std::size_t>((c * window.height + y) * window.width + x)];
          largest = std::max(largest, std::abs(expected - static_cast<double>(got)));
        }
      }
    }
    CAPTURE(trial);
    CHECK(largest < 1e-3);
  }
}
