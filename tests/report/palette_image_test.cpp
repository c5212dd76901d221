#include "report/palette_image.hpp"

#include <doctest/doctest.h>
#include <png.h>

#include <cstring>
#include <string>

using namespace deepmoe;

namespace {

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

}  // namespace

TEST_CASE("an image's opacity is the share") {
  const std::vector<std::uint8_t> levels{0, 63, 21, 42, 63, 0};
  const std::vector<std::uint8_t> png = palette_image(levels, 2, 3);
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&image, png.data(), png.size()) != 0);
  CHECK(image.width == 3);
  CHECK(image.height == 2);
  image.format = PNG_FORMAT_RGBA;
  std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(image));
  REQUIRE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr) != 0);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    CAPTURE(i);
    CHECK(pixels[4 * i + 3] == levels[i] * 255 / 63);
  }
  CHECK(pixels[4] == 0x31);
}

TEST_CASE("an image of noise takes no more than its levels need") {
  std::vector<std::uint8_t> levels(1000000);
  std::uint32_t state = 1;
  for (std::uint8_t& level : levels) {
    state = state * 1664525 + 1013904223;
    level = static_cast<std::uint8_t>(state >> 26);
  }
  // 6 bits for each of a million, and little besides.
  CHECK(palette_image(levels, 1000, 1000).size() < 780000);
}

TEST_CASE("base64 is that of RFC 4648") {
  CHECK(base64({}).empty());
  CHECK(base64(bytes_of("f")) == "Zg==");
  CHECK(base64(bytes_of("fo")) == "Zm8=");
  CHECK(base64(bytes_of("foo")) == "Zm9v");
  CHECK(base64(bytes_of("foobar")) == "Zm9vYmFy");
  CHECK(base64({0xff, 0xef, 0xbe}) == "/+++");
}
