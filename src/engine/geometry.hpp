#pragma once

#include <cstddef>
#include <cstdint>

namespace deepmoe {

/// A convolution's extents.
struct Geometry {
  std::int32_t inputs = 0, outputs = 0;  ///< channels
  std::int32_t height = 0, width = 0;    ///< of an input plane
  std::int32_t kernel = 1, stride = 1, padding = 0;

  std::int32_t out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  std::int32_t out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
  std::size_t in_plane() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width); }
  /// Of one input and one output each.
  std::size_t kernels() const { return static_cast<std::size_t>(inputs) * static_cast<std::size_t>(outputs); }
  std::size_t out_plane() const {
    return static_cast<std::size_t>(out_height()) * static_cast<std::size_t>(out_width());
  }
};

}  // namespace deepmoe
