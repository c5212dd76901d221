#include <doctest/doctest.h>

#include <array>

#include "base/require_error.hpp"
#include "data/encoded_images.hpp"
#include "data/image_file.hpp"
#include "data/random.hpp"

using namespace deepmoe;

namespace {

/// Decodes and compares every pixel with what `expected` says of (row, column, channel).
void check_pixels(const std::string& bytes, int height, int width,
                  const std::function<int(int, int, int)>& expected) {
  std::vector<std::byte> scratch;
  const ImageView view = decode_png(bytes_of(bytes), "a.png", scratch);
  REQUIRE(view.height == height);
  REQUIRE(view.width == width);
  REQUIRE(view.channels == 3);
  CHECK(png_extent(bytes_of(bytes), "a.png") == ImageExtent{height, width});
  int wrong = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int got = static_cast<const std::uint8_t*>(
            view.data)[y * view.row_stride + x * view.column_stride + c * view.channel_stride];
        wrong += got != expected(y, x, c);
      }
    }
  }
  CHECK(wrong == 0);
}

TestImage noise_image(int height, int width, int channels) {
  TestImage image(height, width, channels);
  RandomStream random(static_cast<std::uint64_t>(height * 1000 + width * 10 + channels));
  for (std::uint8_t& byte : image.pixels) byte = static_cast<std::uint8_t>(random.next());
  return image;
}

}  // namespace

TEST_CASE("RGB and interlaced PNGs decode exactly") {
  const TestImage image = noise_image(17, 23, 3);
  for (const bool interlaced : {false, true}) {
    check_pixels(encode_png(image, PNG_COLOR_TYPE_RGB, 8, interlaced), 17, 23,
                 [&](int y, int x, int c) { return image.at(y, x, c); });
  }
}

TEST_CASE("grey PNGs of 8 and of 1 bit become three equal channels") {
  const TestImage image = noise_image(9, 13, 1);
  check_pixels(encode_png(image, PNG_COLOR_TYPE_GRAY), 9, 13,
               [&](int y, int x, int) { return image.at(y, x, 0); });
  const TestImage bits = noise_image(5, 2, 1);
  check_pixels(encode_png(bits, PNG_COLOR_TYPE_GRAY, 1), 5, 16,
               [&](int y, int x, int) { return (bits.at(y, x / 8, 0) >> (7 - x % 8) & 1) * 255; });
}

TEST_CASE("transparency of a PNG is dropped and its colours stay") {
  const TestImage image = noise_image(8, 8, 4);
  check_pixels(encode_png(image, PNG_COLOR_TYPE_RGB_ALPHA), 8, 8,
               [&](int y, int x, int c) { return image.at(y, x, c); });
}

TEST_CASE("a palette PNG with transparency gets its colours") {
  TestImage image(6, 6, 1);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<std::uint8_t>(i % 3);
  std::array<png_color, 3> palette{{{255, 0, 10}, {1, 2, 3}, {90, 80, 70}}};
  std::array<png_byte, 2> alpha{0, 128};
  const std::string bytes =
      encode_png(image, PNG_COLOR_TYPE_PALETTE, 8, false, [&](png_structp encoder, png_infop info) {
        png_set_PLTE(encoder, info, palette.data(), 3);
        png_set_tRNS(encoder, info, alpha.data(), 2, nullptr);
      });
  check_pixels(bytes, 6, 6, [&](int y, int x, int c) {
    const png_color colour = palette[image.at(y, x, 0)];
    return c == 0 ? colour.red : c == 1 ? colour.green : colour.blue;
  });
}

TEST_CASE("a PNG of 16 bits is scaled to 8 whatever gamma it states") {
  const TestImage image = noise_image(7, 5, 6);  // two bytes a sample
  const std::string bytes =
      encode_png(image, PNG_COLOR_TYPE_RGB, 16, false,
                 [](png_structp encoder, png_infop info) { png_set_gAMA(encoder, info, 1.0); });
  check_pixels(bytes, 7, 5, [&](int y, int x, int c) {
    const int sample = image.at(y, x, 2 * c) * 256 + image.at(y, x, 2 * c + 1);
    return (sample * 255 + 32895) / 65536;
  });
}

TEST_CASE("a PNG that ends early is refused by name at every length") {
  const std::string bytes = encode_png(noise_image(12, 12, 3));
  for (std::size_t length = 8; length < bytes.size(); ++length) {
    const std::string part = bytes.substr(0, length);
    std::vector<std::byte> scratch;
    CAPTURE(length);
    require_error(ErrorCode::format, {"short.png"},
                  [&] { decode_png(bytes_of(part), "short.png", scratch); });
  }
}

TEST_CASE("a PNG with wrong bytes is refused") {
  const std::string good = encode_png(noise_image(16, 16, 3));
  RandomStream random(5);
  for (int trial = 0; trial < 500; ++trial) {
    std::string bytes = good;
    const std::size_t position = 8 + random.below(bytes.size() - 8);
    bytes[position] = static_cast<char>(bytes[position] ^ (1 << random.below(8)));
    std::vector<std::byte> scratch;
    try {
      decode_png(bytes_of(bytes), "wrong.png", scratch);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::format);
    }
  }
}

TEST_CASE("a PNG that states a huge size is refused before memory is taken") {
  // A header alone, with its checksum.
  std::string bytes("\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\0\x9C\x40\0\0\x9C\x40\x08\x02\0\0\0", 29);
  std::uint32_t checksum = 0xFFFFFFFFU;
  for (std::size_t i = 12; i < 29; ++i) {
    checksum ^= static_cast<std::uint8_t>(bytes[i]);
    for (int bit = 0; bit < 8; ++bit)
      checksum = (checksum & 1U) != 0 ? checksum >> 1 ^ 0xEDB88320U : checksum >> 1;
  }
  checksum = ~checksum;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(checksum >> shift));
  bytes += std::string("\0\0\0\0IDAT", 8);
  std::vector<std::byte> scratch;
  require_error(ErrorCode::format, {"bomb.png", "40000 x 40000"},
                [&] { decode_png(bytes_of(bytes), "bomb.png", scratch); });
  CHECK(scratch.empty());
}
