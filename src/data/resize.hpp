#pragma once

#include <cstdint>

#include "data/data.hpp"

namespace deepmoe {

/// A rectangle of an image that has been resized to `resized_height` x `resized_width`.
struct ResizedWindow {
  std::int64_t resized_height, resized_width;
  std::int64_t top, left, height, width;  ///< inside the resized image
};

/// Computes one window of the resized image, by antialiased bilinear interpolation: a triangle filter that
/// widens when the image shrinks, as in Pillow, without rounding in between. Writes image.channels planes of
/// height x width floats on the scale of the image's pixels. Work and memory grow with the window, not with
/// the resized image.
void resize_window(const ImageView& image, const ResizedWindow& window, float* output);

}  // namespace deepmoe
