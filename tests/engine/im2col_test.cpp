#include "engine/im2col.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace deepmoe;

namespace {

/// What tap t of an output pixel reads of a plane; zero outside.
float read_by(const Geometry& geometry, const Im2col::Tap& tap, std::int32_t pixel, const float* plane,
              float shift) {
  const std::int32_t y = pixel / geometry.out_width() * geometry.stride + tap.row - geometry.padding;
  const std::int32_t x = pixel % geometry.out_width() * geometry.stride + tap.column - geometry.padding;
  if (y < 0 || x < 0 || y >= geometry.height || x >= geometry.width) return 0;
  return plane == nullptr ? 1.0F : plane[y * geometry.width + x] - shift;
}

void check_layout(const Geometry& geometry, const std::vector<float>& constants) {
  std::vector<float> planes(static_cast<std::size_t>(geometry.inputs) * geometry.in_plane());
  for (std::size_t i = 0; i < planes.size(); ++i) planes[i] = static_cast<float>(i + 1);
  const std::vector<std::int32_t> list{0, 2};
  const SampleInput input{planes.data(), list.data(), static_cast<std::int32_t>(list.size())};
  for (const std::string& target : kernel_targets()) {
    INFO(target, ": ", geometry.height, " x ", geometry.width, ", kernel ", geometry.kernel, ", stride ",
         geometry.stride);
    const Im2col im2col(kernels(target), geometry, constants);
    const std::int32_t channels = im2col.channels_of(input);
    CHECK(channels == (constants.empty() ? 2 : 3));
    std::vector<float> values(im2col.values_floats()), phases(im2col.phases_floats(), 1e9F);
    std::int32_t pixels = 0;
    for (const Im2col::Piece& piece : im2col.pieces()) {
      CHECK(piece.first_pixel == pixels);
      pixels += piece.pixels;
      im2col.lay_out(input, piece, 0, channels, phases.data(), values.data());
      std::size_t wrong = 0, block_floats = 0;
      for (std::int32_t pixel = 0; pixel < piece.pixels; ++pixel) {
        const std::size_t block = static_cast<std::size_t>(pixel) / im2col.block_pixels();
        const std::size_t width =
            im2col.vectors_of(piece, block) * static_cast<std::size_t>(kernels(target).lanes);
        block_floats = im2col.block_pixels() * static_cast<std::size_t>(channels) * im2col.taps().size();
        for (std::int32_t i = 0; i < channels; ++i) {
          const auto channel = static_cast<std::size_t>(i < 2 ? list[static_cast<std::size_t>(i)] : 0);
          const float* plane = i < 2 ? planes.data() + channel * geometry.in_plane() : nullptr;
          for (std::size_t tap = 0; tap < im2col.taps().size(); ++tap) {
            const std::size_t row = static_cast<std::size_t>(i) * im2col.taps().size() + tap;
            const float got = values[block * block_floats + row * width +
                                     static_cast<std::size_t>(pixel) % im2col.block_pixels()];
            const float expected = read_by(geometry, im2col.taps()[tap], piece.first_pixel + pixel, plane,
                                           constants.empty() ? 0.0F : constants[channel]);
            wrong += got != expected ? 1 : 0;
          }
        }
      }
      CHECK(wrong == 0);
    }
    CHECK(pixels == static_cast<std::int32_t>(geometry.out_plane()));
  }
}

}  // namespace

TEST_CASE("im2col lays out what each tap of a kernel reads for each pixel") {
  for (const Geometry& geometry :
       {Geometry{3, 1, 32, 32, 3, 1, 1}, Geometry{3, 1, 32, 32, 3, 2, 1}, Geometry{3, 1, 8, 8, 3, 2, 1},
        Geometry{3, 1, 16, 16, 1, 2, 0}, Geometry{3, 1, 7, 5, 1, 1, 0}, Geometry{3, 1, 9, 11, 1, 3, 0},
        Geometry{3, 1, 13, 9, 5, 3, 2}, Geometry{3, 1, 23, 30, 7, 2, 3}}) {
    check_layout(geometry, {});
    check_layout(geometry, {0.5F, 1, 2});
  }
}

TEST_CASE("taps that never meet the image are left out") {
  const Im2col one(kernels(), {3, 1, 1, 1, 3, 1, 1}, {});
  REQUIRE(one.taps().size() == 1);
  CHECK(one.taps()[0].row == 1);
  CHECK(one.taps()[0].column == 1);
  CHECK(Im2col(kernels(), {3, 1, 1, 4, 3, 1, 1}, {}).taps().size() == 3);
}

TEST_CASE("planes that are too large for the cache are laid out in pieces that fill vectors") {
  const auto lanes = static_cast<std::size_t>(kernels().lanes);
  // Two rows of 32 fill vectors, rows of 56 do not.
  for (const std::int32_t size : {32, 56}) {
    const Im2col im2col(kernels(), {64, 1, size, size, 3, 1, 1}, {});
    CHECK(im2col.pieces().size() > 1);
    std::size_t vectors = 0;
    for (const Im2col::Piece& piece : im2col.pieces()) {
      vectors += (static_cast<std::size_t>(piece.pixels) + lanes - 1) / lanes;
      if (size == 32) CHECK(piece.pixels % size == 0);
    }
    CHECK(vectors * lanes <= static_cast<std::size_t>(size * size) * 103 / 100 + lanes);
  }
  // Pieces that begin and end within rows.
  check_layout({300, 1, 30, 28, 3, 1, 1}, {});
  check_layout({300, 1, 57, 55, 3, 2, 1}, {});
}
