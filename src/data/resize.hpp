#pragma once

#include <array>
#include <cstdint>

#include "data/data.hpp"

namespace deepmoe {

/// A part of an image, in pixels; its borders may lie between pixels.
struct Area {
  double top = 0, left = 0, height = 0, width = 0;
};

/// value = pixel * scale + bias, for each of red, green and blue.
struct PixelMap {
  std::array<float, 3> scale{1.0F, 1.0F, 1.0F};
  std::array<float, 3> bias{0.0F, 0.0F, 0.0F};
};

/// Where three planes of floats go: rows and planes are so many elements apart.
struct Planes {
  float* data = nullptr;
  std::int64_t plane_stride = 0, row_stride = 0;
};

/// Brings `area` of an image to `extent` by antialiased bilinear interpolation: a triangle filter that widens
/// when the area shrinks, as in Pillow, without rounding in between. The filter reads pixels around the area
/// too, as far as the image has them. Values are mapped, rows mirrored on demand, and grey images (1 channel)
/// spread over the 3 planes.
void resize_area(const ImageView& image, const Area& area, ImageExtent extent, const PixelMap& map,
                 bool mirrored, const Planes& output);

}  // namespace deepmoe
