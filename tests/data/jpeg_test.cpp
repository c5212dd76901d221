#include <doctest/doctest.h>

#include <cstdlib>

#include "base/require_error.hpp"
#include "data/encoded_images.hpp"
#include "data/image_file.hpp"
#include "data/random.hpp"

using namespace deepmoe;

namespace {

int value(const ImageView& view, int y, int x, int c) {
  return static_cast<const std::uint8_t*>(
      view.data)[y * view.row_stride + x * view.column_stride + c * view.channel_stride];
}

/// The largest difference to what `expected` says of (row, column, channel).
int largest_difference(const ImageView& view, const std::function<int(int, int, int)>& expected) {
  int largest = 0;
  for (int y = 0; y < view.height; ++y) {
    for (int x = 0; x < view.width; ++x) {
      for (int c = 0; c < 3; ++c)
        largest = std::max(largest, std::abs(value(view, y, x, c) - expected(y, x, c)));
    }
  }
  return largest;
}

}  // namespace

TEST_CASE("a JPEG decodes to the pixels it was made from") {
  const TestImage image = smooth_image(37, 50, 3);
  for (const bool progressive : {false, true}) {
    std::vector<std::byte> scratch;
    const std::string bytes = encode_jpeg(image, JCS_RGB, JCS_YCbCr, progressive);
    const ImageView view = decode_jpeg(bytes_of(bytes), "a.jpg", scratch);
    REQUIRE(view.height == 37);
    REQUIRE(view.width == 50);
    REQUIRE(view.channels == 3);
    CHECK(largest_difference(view, [&](int y, int x, int c) { return image.at(y, x, c); }) <= 3);
    CHECK(jpeg_extent(bytes_of(bytes), "a.jpg") == ImageExtent{37, 50});
  }
}

TEST_CASE("a grey JPEG becomes three equal channels") {
  const TestImage image = smooth_image(20, 24, 1);
  std::vector<std::byte> scratch;
  const std::string bytes = encode_jpeg(image);
  const ImageView view = decode_jpeg(bytes_of(bytes), "grey.jpg", scratch);
  REQUIRE(view.channels == 3);
  CHECK(largest_difference(view, [&](int y, int x, int) { return image.at(y, x, 0); }) <= 2);
}

TEST_CASE("CMYK and YCCK JPEGs become RGB") {
  const TestImage inks = smooth_image(20, 24, 4);
  for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
    std::vector<std::byte> scratch;
    // The encoder writes Adobe's marker, so a large value means little ink.
    const std::string bytes = encode_jpeg(inks, JCS_CMYK, stored);
    const ImageView view = decode_jpeg(bytes_of(bytes), "inks.jpg", scratch);
    REQUIRE(view.channels == 3);
    CHECK(largest_difference(
              view, [&](int y, int x, int c) { return inks.at(y, x, c) * inks.at(y, x, 3) / 255; }) <= 4);
  }
}

TEST_CASE("a JPEG that ends early is refused by name at every length") {
  const std::string bytes = encode_jpeg(smooth_image(24, 24, 3));
  // The last two bytes are the end marker, without which the pixels are complete but libjpeg warns.
  for (std::size_t length = 3; length < bytes.size() - 2; ++length) {
    const std::string part = bytes.substr(0, length);
    std::vector<std::byte> scratch;
    CAPTURE(length);
    require_error(ErrorCode::format, {"short.jpg"},
                  [&] { decode_jpeg(bytes_of(part), "short.jpg", scratch); });
  }
}

TEST_CASE("a JPEG with wrong bytes gives pixels or an error but nothing worse") {
  const std::string good = encode_jpeg(smooth_image(32, 32, 3));
  RandomStream random(11);
  int refused = 0;
  for (int trial = 0; trial < 500; ++trial) {
    std::string bytes = good;
    for (int i = 0; i < 4; ++i) bytes[3 + random.below(bytes.size() - 3)] = static_cast<char>(random.next());
    std::vector<std::byte> scratch;
    try {
      decode_jpeg(bytes_of(bytes), "wrong.jpg", scratch);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::format);
      ++refused;
    }
  }
  CHECK(refused > 0);
}

TEST_CASE("a JPEG that states a huge size is refused before memory is taken") {
  std::string bytes = encode_jpeg(smooth_image(16, 16, 3));
  const std::size_t frame = bytes.find("\xFF\xC0");
  REQUIRE(frame != std::string::npos);
  // Height and width follow the segment's length and the precision.
  for (std::size_t i = 5; i < 9; ++i) bytes[frame + i] = static_cast<char>(i % 2 == 1 ? 0xFD : 0xE8);
  std::vector<std::byte> scratch;
  require_error(ErrorCode::format, {"bomb.jpg", "65000 x 65000"},
                [&] { decode_jpeg(bytes_of(bytes), "bomb.jpg", scratch); });
  CHECK(scratch.empty());
}
