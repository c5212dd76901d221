#pragma once

#include "data/byte_image.hpp"
#include "data/random.hpp"

namespace deepmoe {

inline ByteImage random_bytes(std::int64_t height, std::int64_t width, std::uint64_t seed) {
  ByteImage image{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(3 * height * width))};
  RandomStream random(seed);
  for (std::uint8_t& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random.next());
  return image;
}

/// Made by a formula that other programs can follow; not every value of a byte occurs.
inline ByteImage formula_bytes() {
  ByteImage image{24, 40, {}};
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 24; ++y) {
      for (int x = 0; x < 40; ++x)
        image.pixels.push_back(static_cast<std::uint8_t>(20 + (x * x * 7 + y * 31 + c * 53) % 201));
    }
  }
  return image;
}

/// A number in which every pixel and its place count.
inline std::uint64_t fingerprint(const ByteImage& image) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < image.pixels.size(); ++i) sum += (i % 1009 + 1) * image.pixels[i];
  return sum;
}

}  // namespace deepmoe
