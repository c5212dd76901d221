#include "data/warp.hpp"

#include <cmath>
#include <numbers>

namespace deepmoe {
namespace {

/// Where in the old image each place of the new one comes from: (xx * x + xy * y + x0, yx * x + yy * y + y0),
/// with the middle of the first pixel at (0.5, 0.5).
struct Source {
  double xx = 1, xy = 0, x0 = 0;
  double yx = 0, yy = 1, y0 = 0;
};

void warp(ByteImage& image, const Source& source) {
  static thread_local ByteImage old;
  old = image;
  const std::int64_t plane = image.plane_size();
  for (std::int64_t row = 0; row < image.height; ++row) {
    const double y = static_cast<double>(row) + 0.5;
    for (std::int64_t column = 0; column < image.width; ++column) {
      const double x = static_cast<double>(column) + 0.5;
      const auto old_x = static_cast<std::int64_t>(std::floor(source.xx * x + source.xy * y + source.x0));
      const auto old_y = static_cast<std::int64_t>(std::floor(source.yx * x + source.yy * y + source.y0));
      const bool inside = old_x >= 0 && old_x < image.width && old_y >= 0 && old_y < image.height;
      std::uint8_t* to = image.pixels.data() + row * image.width + column;
      const std::uint8_t* from = old.pixels.data() + old_y * image.width + old_x;
      for (std::int64_t c = 0; c < 3; ++c) to[c * plane] = inside ? from[c * plane] : std::uint8_t{0};
    }
  }
}

}  // namespace

void shear_rows(ByteImage& image, double slope) { warp(image, {.xy = slope}); }

void shear_columns(ByteImage& image, double slope) { warp(image, {.yx = slope}); }

void translate(ByteImage& image, std::int64_t right, std::int64_t down) {
  warp(image, {.x0 = -static_cast<double>(right), .y0 = -static_cast<double>(down)});
}

void rotate(ByteImage& image, double degrees) {
  const double angle = degrees * std::numbers::pi / 180.0;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double middle_x = static_cast<double>(image.width) / 2.0,
               middle_y = static_cast<double>(image.height) / 2.0;
  warp(image, {cosine, -sine, middle_x - cosine * middle_x + sine * middle_y, sine, cosine,
               middle_y - sine * middle_x - cosine * middle_y});
}

}  // namespace deepmoe
