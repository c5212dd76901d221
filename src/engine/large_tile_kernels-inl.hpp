// Transforms of Winograd's F(4x4, 3x3), for one instruction set. Included once for each by kernels.cpp.

#if defined(DEEPMOE_ENGINE_LARGE_TILE_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPMOE_ENGINE_LARGE_TILE_KERNELS_INL
#undef DEEPMOE_ENGINE_LARGE_TILE_KERNELS_INL
#else
#define DEEPMOE_ENGINE_LARGE_TILE_KERNELS_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/kernels.hpp"
#include "engine/pixel_kernels-inl.hpp"
#include "engine/tile_kernels-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace deepmoe::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// y = B^T x, six numbers (Lavin and Gray, CVPR 2016, section 4.3).
template <class D, class V = hn::Vec<D>>
HWY_INLINE void transform_six(D d, const V* x, V* y) {
  const V two = hn::Set(d, 2.0F), four = hn::Set(d, 4.0F), five = hn::Set(d, 5.0F);
  y[0] = hn::MulAdd(four, x[0], hn::NegMulAdd(five, x[2], x[4]));
  const V even = hn::NegMulAdd(four, x[2], x[4]), odd = hn::NegMulAdd(four, x[1], x[3]);
  y[1] = hn::Add(even, odd);
  y[2] = hn::Sub(even, odd);
  const V near = hn::Sub(x[4], x[2]), far = hn::Sub(x[3], x[1]);
  y[3] = hn::MulAdd(two, far, near);
  y[4] = hn::NegMulAdd(two, far, near);
  y[5] = hn::MulAdd(four, x[1], hn::NegMulAdd(five, x[3], x[5]));
}

/// z = A^T m, four numbers of six.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void inverse_of_six(D d, const V* m, V* z) {
  const V sum = hn::Add(m[1], m[2]), difference = hn::Sub(m[1], m[2]);
  const V far_sum = hn::Add(m[3], m[4]), far_difference = hn::Sub(m[3], m[4]);
  z[0] = hn::Add(hn::Add(m[0], sum), far_sum);
  z[1] = hn::MulAdd(hn::Set(d, 2.0F), far_difference, difference);
  z[2] = hn::MulAdd(hn::Set(d, 4.0F), far_sum, sum);
  z[3] = hn::Add(hn::MulAdd(hn::Set(d, 8.0F), far_difference, difference), m[5]);
}

#if DEEPMOE_HAVE_TILE_VECTORS
/// The input transform of eight tiles in a row. A vector holds numbers of two columns of each tile, so that
/// what transform_six does to columns that mirror each other is done at once.
HWY_INLINE void transform_eight_large_tiles(const float* plane, std::size_t stride, float* HWY_RESTRICT out,
                                            std::size_t point_stride) {
  const Tile d;
  const hn::Half<Tile> half;
  const Quad quad;
  // Columns first: 16 of them twice, and the first two of the next tile.
  TileVector left[6], right[6];
  QuadVector rest[6];
  const auto transform_columns = [&](auto tag, std::size_t column, auto* y) {
    hn::Vec<decltype(tag)> x[6];
    for (std::size_t r = 0; r < 6; ++r) x[r] = hn::LoadU(tag, plane + r * stride + column);
    transform_six(tag, x, y);
  };
  transform_columns(d, 0, left);
  transform_columns(d, 16, right);
  transform_columns(quad, 32, rest);

  alignas(64) static constexpr std::int32_t of_01[tile_points] = {0, 4, 8, 12, 16, 20, 24, 28,
                                                                  1, 5, 9, 13, 17, 21, 25, 29};
  alignas(64) static constexpr std::int32_t of_23[tile_points] = {2, 6, 10, 14, 18, 22, 26, 30,
                                                                  3, 7, 11, 15, 19, 23, 27, 31};
  // A tile's last two columns are the next one's first two.
  alignas(64) static constexpr std::int32_t next_of_01[tile_points] = {1, 2,  3,  4,  5,  6,  7,  16,
                                                                       9, 10, 11, 12, 13, 14, 15, 17};
  alignas(64) static constexpr float plus_minus[tile_points] = {1,  1,  1,  1,  1,  1,  1,  1,
                                                                -1, -1, -1, -1, -1, -1, -1, -1};
  const TileVector four = hn::Set(d, 4.0F), five = hn::Set(d, 5.0F);
  const TileVector signs = hn::Load(d, plus_minus), two_signs = hn::Add(signs, signs);
  const auto store = [&](TileVector y, float* low, float* high) {
    hn::StoreU(hn::LowerHalf(half, y), half, low);
    hn::StoreU(hn::UpperHalf(half, y), half, high);
  };
  for (std::size_t r = 0; r < 6; ++r, out += 6 * point_stride) {
    const TileVector x01 = pick(left[r], right[r], of_01), x23 = pick(left[r], right[r], of_23);
    const TileVector x45 =
        pick(x01, hn::ZeroExtendVector(d, hn::ZeroExtendVector(half, rest[r])), next_of_01);
    const TileVector x43 = hn::ConcatUpperLower(d, x23, x45), x21 = hn::ConcatUpperLower(d, x01, x23);
    const TileVector even_odd = hn::NegMulAdd(four, x21, x43), near_far = hn::Sub(x43, x21);
    const TileVector odd_even = hn::ConcatLowerUpper(d, even_odd, even_odd);
    const TileVector near = hn::ConcatLowerLower(d, near_far, near_far);
    const TileVector far = hn::ConcatUpperUpper(d, near_far, near_far);
    store(hn::MulAdd(four, x01, hn::NegMulAdd(five, x23, x45)), out, out + 5 * point_stride);
    store(hn::MulAdd(signs, even_odd, odd_even), out + point_stride, out + 2 * point_stride);
    store(hn::MulAdd(two_signs, far, near), out + 3 * point_stride, out + 4 * point_stride);
  }
}
#endif

void transform_large_tiles(const float* plane, std::size_t stride, std::size_t tiles, float* HWY_RESTRICT out,
                           std::size_t point_stride) {
  const Quad d;
  std::size_t tile = 0;
#if DEEPMOE_HAVE_TILE_VECTORS
  for (; tile + 8 <= tiles; tile += 8, plane += 32, out += 8)
    transform_eight_large_tiles(plane, stride, out, point_stride);
#endif
  for (; tile < tiles; tile += 4, plane += 16, out += 4) {
    const std::size_t count = std::min<std::size_t>(4, tiles - tile);
    // Columns first, for four tiles and the first columns of the next one; of tiles that are not there,
    // zeros.
    QuadVector rows[6][5];
    for (std::size_t q = 0; q < 5; ++q) {
      QuadVector x[6], y[6];
      for (std::size_t r = 0; r < 6; ++r)
        x[r] = q <= count ? hn::LoadU(d, plane + r * stride + 4 * q) : hn::Zero(d);
      transform_six(d, x, y);
      for (std::size_t r = 0; r < 6; ++r) rows[r][q] = y[r];
    }
    for (std::size_t r = 0; r < 6; ++r) {
      QuadVector x[6] = {rows[r][0], rows[r][1], rows[r][2], rows[r][3]}, y[6];
      transpose(x[0], x[1], x[2], x[3]);
      // A tile's last two columns are the next one's first two.
      x[4] = hn::CombineShiftRightBytes<4>(d, rows[r][4], x[0]);
      x[5] = hn::CombineShiftRightBytes<4>(d, hn::ShiftRightLanes<1>(d, rows[r][4]), x[1]);
      transform_six(d, x, y);
      float* points = out + 6 * r * point_stride;
      for (std::size_t c = 0; c < 6; ++c, points += point_stride) {
        if (count == 4) {
          hn::StoreU(y[c], d, points);
        } else {
          alignas(16) float numbers[4];
          hn::Store(y[c], d, numbers);
          std::copy_n(numbers, count, points);
        }
      }
    }
  }
}

void finish_large_tiles(const float* sums, std::size_t point_stride, const LargeTiles& tiles,
                        const Finish& finish, const float* residual, float* plane) {
  const hn::CappedTag<float, tile_points> d;
  using V = hn::Vec<hn::CappedTag<float, tile_points>>;
  const auto lanes = static_cast<std::int32_t>(hn::Lanes(d));
  for (std::int32_t first = 0; first < tiles.count; first += lanes, sums += lanes) {
    V columns[4][6];
    for (std::size_t c = 0; c < 6; ++c) {
      V m[6], z[4];
      for (std::size_t r = 0; r < 6; ++r) m[r] = hn::LoadU(d, sums + (6 * r + c) * point_stride);
      inverse_of_six(d, m, z);
      for (std::size_t y = 0; y < 4; ++y) columns[y][c] = z[y];
    }
    alignas(64) float pixels[4][4 * tile_points];
    for (std::size_t y = 0; y < 4; ++y) {
      V z[4];
      inverse_of_six(d, columns[y], z);
      hn::StoreInterleaved4(z[0], z[1], z[2], z[3], d, pixels[y]);
    }
    // Tiles of one vector may lie in several rows of tiles.
    const std::int32_t last = std::min(tiles.count, first + lanes);
    for (std::int32_t tile = first; tile < last;) {
      const std::int32_t column = tile % tiles.columns;
      const std::int32_t count = std::min(tiles.columns - column, last - tile);
      const std::int32_t top = 4 * (tiles.first_row + tile / tiles.columns);
      const auto width = static_cast<std::size_t>(std::min(4 * count, tiles.width - 4 * column));
      for (std::int32_t y = 0; y < std::min(4, tiles.height - top); ++y) {
        const std::size_t at = static_cast<std::size_t>(top + y) * static_cast<std::size_t>(tiles.width) +
                               static_cast<std::size_t>(4 * column);
        finish_pixels(pixels[y] + 4 * (tile - first), width, finish,
                      residual != nullptr ? residual + at : nullptr, plane + at);
      }
      tile += count;
    }
  }
}

}  // namespace deepmoe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
