#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace deepmoe {

/// Red, green and blue planes of bytes, each height x width, one behind the other.
struct ByteImage {
  std::int64_t height = 0, width = 0;
  std::vector<std::uint8_t> pixels;

  std::int64_t plane_size() const { return height * width; }
  std::uint8_t* plane(std::int64_t channel) { return pixels.data() + channel * plane_size(); }
  const std::uint8_t* plane(std::int64_t channel) const { return pixels.data() + channel * plane_size(); }
};

}  // namespace deepmoe
