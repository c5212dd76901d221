#include "data/warp.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "data/random_bytes.hpp"

using namespace deepmoe;

namespace {

ByteImage warped(ByteImage image, const std::function<void(ByteImage&)>& warp) {
  warp(image);
  return image;
}

/// Whether each pixel of `result` is the one of `image` at (row, column) that `source` says, or black
/// outside.
bool moved(const ByteImage& image, const ByteImage& result,
           const std::function<std::pair<std::int64_t, std::int64_t>(std::int64_t, std::int64_t)>& source) {
  for (std::int64_t c = 0; c < 3; ++c) {
    for (std::int64_t y = 0; y < image.height; ++y) {
      for (std::int64_t x = 0; x < image.width; ++x) {
        const auto [row, column] = source(y, x);
        const bool inside = row >= 0 && row < image.height && column >= 0 && column < image.width;
        const int expected = inside ? image.plane(c)[row * image.width + column] : 0;
        if (result.plane(c)[y * image.width + x] != expected) return false;
      }
    }
  }
  return true;
}

}  // namespace

TEST_CASE("warps by nothing change nothing") {
  const ByteImage image = random_bytes(11, 7, 1);
  CHECK(warped(image, [](ByteImage& i) { shear_rows(i, 0); }).pixels == image.pixels);
  CHECK(warped(image, [](ByteImage& i) { shear_columns(i, 0); }).pixels == image.pixels);
  CHECK(warped(image, [](ByteImage& i) { translate(i, 0, 0); }).pixels == image.pixels);
  CHECK(warped(image, [](ByteImage& i) { rotate(i, 0); }).pixels == image.pixels);
}

TEST_CASE("translation moves pixels and leaves black behind") {
  const ByteImage image = random_bytes(11, 7, 2);
  for (const std::int64_t right : {-9, -2, 3}) {
    for (const std::int64_t down : {-4, 0, 5}) {
      const ByteImage result = warped(image, [&](ByteImage& i) { translate(i, right, down); });
      CHECK(moved(image, result, [&](auto y, auto x) { return std::pair(y - down, x - right); }));
    }
  }
}

TEST_CASE("a shear moves each row or column by its distance from the first") {
  const ByteImage image = random_bytes(11, 7, 3);
  for (const double slope : {-0.3, 0.2}) {
    const auto shift = [&](std::int64_t position) {
      return static_cast<std::int64_t>(std::floor(slope * (static_cast<double>(position) + 0.5) + 0.5));
    };
    const ByteImage rows = warped(image, [&](ByteImage& i) { shear_rows(i, slope); });
    CHECK(moved(image, rows, [&](auto y, auto x) { return std::pair(y, x + shift(y)); }));
    const ByteImage columns = warped(image, [&](ByteImage& i) { shear_columns(i, slope); });
    CHECK(moved(image, columns, [&](auto y, auto x) { return std::pair(y + shift(x), x); }));
  }
}

TEST_CASE("a rotation turns counterclockwise about the middle") {
  const ByteImage image = random_bytes(12, 12, 4);
  const ByteImage quarter = warped(image, [](ByteImage& i) { rotate(i, 90); });
  // The middle of a pixel comes from the middle of a pixel, so rounding can't tip it over an edge.
  CHECK(moved(image, quarter, [](auto y, auto x) { return std::pair(x, 11 - y); }));
  const ByteImage half = warped(image, [](ByteImage& i) { rotate(i, 180); });
  CHECK(moved(image, half, [](auto y, auto x) { return std::pair(11 - y, 11 - x); }));
}
