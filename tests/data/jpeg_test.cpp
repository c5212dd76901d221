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

ImageView decode_whole(const std::string& bytes, const std::string& name, std::vector<std::byte>& scratch) {
  return decode_jpeg(bytes_of(bytes), name, whole_image, scratch).view;
}

}  // namespace

TEST_CASE("a JPEG decodes to the pixels it was made from") {
  const TestImage image = smooth_image(37, 50, 3);
  for (const bool progressive : {false, true}) {
    std::vector<std::byte> scratch;
    const std::string bytes = encode_jpeg(image, JCS_RGB, JCS_YCbCr, progressive);
    const ImageView view = decode_whole(bytes, "a.jpg", scratch);
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
  const ImageView view = decode_whole(bytes, "grey.jpg", scratch);
  REQUIRE(view.channels == 3);
  CHECK(largest_difference(view, [&](int y, int x, int) { return image.at(y, x, 0); }) <= 2);
}

TEST_CASE("CMYK and YCCK JPEGs become RGB") {
  const TestImage inks = smooth_image(20, 24, 4);
  for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
    std::vector<std::byte> scratch;
    // The encoder writes Adobe's marker, so a large value means little ink.
    const std::string bytes = encode_jpeg(inks, JCS_CMYK, stored);
    const ImageView view = decode_whole(bytes, "inks.jpg", scratch);
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
    require_error(ErrorCode::format, {"short.jpg"}, [&] { decode_whole(part, "short.jpg", scratch); });
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
      decode_whole(bytes, "wrong.jpg", scratch);
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
                [&] { decode_whole(bytes, "bomb.jpg", scratch); });
  CHECK(scratch.empty());
}

TEST_CASE("a part of a JPEG has the pixels that the whole has there") {
  TestImage image = smooth_image(150, 203, 3);
  RandomStream random(5);
  for (std::uint8_t& pixel : image.pixels) pixel = static_cast<std::uint8_t>(pixel + random.below(60));
  for (const bool progressive : {false, true}) {
    for (const auto& [horizontal, vertical] :
         {std::pair{1, 1}, std::pair{2, 1}, std::pair{2, 2}, std::pair{1, 2}}) {
      const std::string bytes = encode_jpeg(image, JCS_RGB, JCS_YCbCr, progressive, horizontal, vertical);
      for (const std::int64_t reduction : {1, 2, 4, 8}) {
        const auto request = [&](const Rectangle& pixels) {
          return [&, pixels](ImageExtent) { return PartRequest{pixels, static_cast<double>(reduction)}; };
        };
        std::vector<std::byte> whole_scratch, scratch;
        const ImagePart whole =
            decode_jpeg(bytes_of(bytes), "a.jpg", request({0, 0, 150, 203}), whole_scratch);
        CHECK(whole.reduction == reduction);
        CHECK(whole.view.height == (150 + reduction - 1) / reduction);
        CHECK(whole.view.width == (203 + reduction - 1) / reduction);
        for (int trial = 0; trial < 30; ++trial) {
          Rectangle pixels;
          pixels.height = 1 + static_cast<std::int64_t>(random.below(150));
          pixels.width = 1 + static_cast<std::int64_t>(random.below(203));
          pixels.top =
              static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(151 - pixels.height)));
          pixels.left =
              static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(204 - pixels.width)));
          const ImagePart part = decode_jpeg(bytes_of(bytes), "a.jpg", request(pixels), scratch);
          CHECK(part.reduction == reduction);
          REQUIRE(part.top * reduction <= pixels.top);
          REQUIRE(part.left * reduction <= pixels.left);
          REQUIRE((part.top + part.view.height) * reduction >= pixels.top + pixels.height);
          REQUIRE((part.left + part.view.width) * reduction >= pixels.left + pixels.width);
          CAPTURE(progressive);
          CAPTURE(horizontal);
          CAPTURE(vertical);
          CAPTURE(reduction);
          CHECK(largest_difference(part.view, [&](int y, int x, int c) {
                  return value(whole.view, static_cast<int>(part.top) + y, static_cast<int>(part.left) + x,
                               c);
                }) == 0);
        }
      }
    }
  }
}

TEST_CASE("a reduced JPEG shows the same picture and is never smaller than what is needed") {
  const TestImage image = smooth_image(160, 240, 3);
  const std::string bytes = encode_jpeg(image);
  for (const double needed : {0.5, 1.0, 1.99, 2.0, 3.9, 4.0, 7.0, 8.0, 100.0}) {
    std::vector<std::byte> scratch;
    const ImagePart part = decode_jpeg(
        bytes_of(bytes), "a.jpg",
        [&](ImageExtent) {
          return PartRequest{{0, 0, 160, 240}, needed};
        },
        scratch);
    const int reduction = static_cast<int>(part.reduction);
    CHECK(reduction <= std::max(1.0, needed));
    CHECK(2 * reduction > std::min(8.0, needed));
    CHECK(largest_difference(part.view, [&](int y, int x, int c) {
            return image.at(y * reduction + reduction / 2, x * reduction + reduction / 2, c);
          }) <= 8);
  }
}

TEST_CASE("parts of grey JPEGs and of those with four inks are decoded too") {
  const auto part_of_file = [](const std::string& bytes, std::vector<std::byte>& scratch) {
    return decode_jpeg(
        bytes_of(bytes), "a.jpg",
        [](ImageExtent) {
          return PartRequest{{21, 35, 20, 30}, 1.0};
        },
        scratch);
  };
  for (const std::string& bytes :
       {encode_jpeg(smooth_image(60, 90, 1)), encode_jpeg(smooth_image(60, 90, 4), JCS_CMYK, JCS_YCCK)}) {
    std::vector<std::byte> whole_scratch, scratch;
    const ImageView whole = decode_whole(bytes, "a.jpg", whole_scratch);
    const ImagePart part = part_of_file(bytes, scratch);
    CHECK(part.view.height == 20);
    CHECK(part.view.width == 30);
    CHECK(largest_difference(part.view,
                             [&](int y, int x, int c) { return value(whole, y + 21, x + 35, c); }) == 0);
  }
}

TEST_CASE("a truncated JPEG is refused where its missing part is needed") {
  TestImage image = smooth_image(200, 200, 3);
  RandomStream random(5);
  for (std::uint8_t& pixel : image.pixels) pixel = static_cast<std::uint8_t>(pixel + random.below(60));
  const std::string bytes = encode_jpeg(image);
  const std::string half = bytes.substr(0, bytes.size() / 2);
  std::vector<std::byte> scratch;
  const auto decode = [&](std::int64_t top) {
    decode_jpeg(
        bytes_of(half), "half.jpg",
        [&](ImageExtent) {
          return PartRequest{{top, 0, 20, 200}, 1.0};
        },
        scratch);
  };
  CHECK_NOTHROW(decode(0));
  require_error(ErrorCode::format, {"half.jpg"}, [&] { decode(170); });
}
