// Winograd transforms and the finish of sums, for one instruction set. Included once for each by kernels.cpp.

#if defined(DEEPMOE_ENGINE_PIXEL_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPMOE_ENGINE_PIXEL_KERNELS_INL
#undef DEEPMOE_ENGINE_PIXEL_KERNELS_INL
#else
#define DEEPMOE_ENGINE_PIXEL_KERNELS_INL
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace deepmoe::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// One row of a tile's 4 x 4 numbers.
using Quad = hn::FixedTag<float, 4>;
using QuadVector = hn::Vec<Quad>;

/// One row of the input transform: (x0 - x2, x1 + x2, x2 - x1, x1 - x3) (Lavin and Gray, CVPR 2016, section
/// 4.1).
HWY_INLINE QuadVector transform_row(QuadVector x) {
  const Quad d;
  alignas(16) static constexpr float sign[4] = {-1, 1, -1, -1};
  alignas(16) static constexpr std::int32_t left[4] = {0, 1, 2, 1}, right[4] = {2, 2, 1, 3};
  const QuadVector a = hn::TableLookupLanes(x, hn::SetTableIndices(d, left));
  const QuadVector b = hn::TableLookupLanes(x, hn::SetTableIndices(d, right));
  return hn::MulAdd(b, hn::Load(d, sign), a);
}

void transform_tiles(const float* plane, std::size_t stride, const std::int32_t* corners, int tiles,
                     float* HWY_RESTRICT out, std::size_t group_stride) {
  const Quad d;
  const std::size_t lanes = hn::Lanes(hn::CappedTag<float, tile_points>());
  float* rows[4];
  for (std::size_t r = 0; r < 4; ++r) rows[r] = out + (4 * r / lanes) * group_stride + 4 * r % lanes;
  for (int t = 0; t < tiles; ++t) {
    const float* corner = plane + corners[t];
    const QuadVector x0 = hn::LoadU(d, corner), x1 = hn::LoadU(d, corner + stride);
    const QuadVector x2 = hn::LoadU(d, corner + 2 * stride), x3 = hn::LoadU(d, corner + 3 * stride);
    const std::size_t place = static_cast<std::size_t>(t) * lanes;
    hn::StoreU(transform_row(hn::Sub(x0, x2)), d, rows[0] + place);
    hn::StoreU(transform_row(hn::Add(x1, x2)), d, rows[1] + place);
    hn::StoreU(transform_row(hn::Sub(x2, x1)), d, rows[2] + place);
    hn::StoreU(transform_row(hn::Sub(x1, x3)), d, rows[3] + place);
  }
}

/// Rows become columns.
HWY_INLINE void transpose(QuadVector& a, QuadVector& b, QuadVector& c, QuadVector& e) {
  const Quad d;
  const QuadVector ac_low = hn::InterleaveLower(d, a, c), ac_high = hn::InterleaveUpper(d, a, c);
  const QuadVector be_low = hn::InterleaveLower(d, b, e), be_high = hn::InterleaveUpper(d, b, e);
  a = hn::InterleaveLower(d, ac_low, be_low);
  b = hn::InterleaveUpper(d, ac_low, be_low);
  c = hn::InterleaveLower(d, ac_high, be_high);
  e = hn::InterleaveUpper(d, ac_high, be_high);
}

HWY_INLINE float finish_one(float sum, const Finish& finish, const float* residual, std::size_t at) {
  float y = sum * finish.scale + finish.offset;
  if (residual != nullptr) y += residual[at];
  return finish.relu && y < 0.0F ? 0.0F : y;
}

template <class D>
HWY_INLINE hn::Vec<D> finish_vector(D d, hn::Vec<D> sum, const Finish& finish, const float* residual,
                                    std::size_t at) {
  hn::Vec<D> y = hn::MulAdd(sum, hn::Set(d, finish.scale), hn::Set(d, finish.offset));
  if (residual != nullptr) y = hn::Add(y, hn::LoadU(d, residual + at));
  // Not the larger of y and zero, which may hide a NaN.
  return finish.relu ? hn::IfThenZeroElse(hn::Lt(y, hn::Zero(d)), y) : y;
}

void finish_pixels(const float* sums, std::size_t count, const Finish& finish, const float* residual,
                   float* out) {
  const hn::CappedTag<float, tile_points> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(finish_vector(d, hn::LoadU(d, sums + i), finish, residual, i), d, out + i);
  }
  for (; i < count; ++i) out[i] = finish_one(sums[i], finish, residual, i);
}

/// Eight pixels in a row, of which `count` exist.
HWY_INLINE void finish_row(QuadVector left, QuadVector right, std::int32_t count, const Finish& finish,
                           const float* residual, float* out) {
  const Quad d;
  if (count == 8) {
    hn::StoreU(finish_vector(d, left, finish, residual, 0), d, out);
    hn::StoreU(finish_vector(d, right, finish, residual, 4), d, out + 4);
    return;
  }
  alignas(16) float pixels[8];
  hn::Store(left, d, pixels);
  hn::Store(right, d, pixels + 4);
  for (std::int32_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    out[at] = finish_one(pixels[at], finish, residual, at);
  }
}

/// The 2 x 2 pixels of four tiles, of which `tiles` exist, as two rows of eight.
struct TilePixels {
  QuadVector rows[2][2];
};

HWY_INLINE TilePixels inverse_of_tiles(const float* points, int tiles) {
  const Quad d;
  // The inverse transform's rows for each tile; then tiles become lanes, and its columns are sums of vectors.
  QuadVector upper[4], lower[4];
  for (int t = 0; t < 4; ++t) {
    if (t >= tiles) {
      upper[t] = lower[t] = hn::Zero(d);
      continue;
    }
    const float* point = points + static_cast<std::size_t>(t) * tile_points;
    const QuadVector r0 = hn::LoadU(d, point), r1 = hn::LoadU(d, point + 4);
    const QuadVector r2 = hn::LoadU(d, point + 8), r3 = hn::LoadU(d, point + 12);
    upper[t] = hn::Add(r0, hn::Add(r1, r2));
    lower[t] = hn::Sub(r1, hn::Add(r2, r3));
  }
  transpose(upper[0], upper[1], upper[2], upper[3]);
  transpose(lower[0], lower[1], lower[2], lower[3]);
  const QuadVector upper_even = hn::Add(upper[0], hn::Add(upper[1], upper[2]));
  const QuadVector upper_odd = hn::Sub(upper[1], hn::Add(upper[2], upper[3]));
  const QuadVector lower_even = hn::Add(lower[0], hn::Add(lower[1], lower[2]));
  const QuadVector lower_odd = hn::Sub(lower[1], hn::Add(lower[2], lower[3]));
  return {{{hn::InterleaveLower(d, upper_even, upper_odd), hn::InterleaveUpper(d, upper_even, upper_odd)},
           {hn::InterleaveLower(d, lower_even, lower_odd), hn::InterleaveUpper(d, lower_even, lower_odd)}}};
}

#if HWY_MAX_BYTES >= 64 && !HWY_HAVE_SCALABLE
/// A vector of a whole tile.
using Tile = hn::FixedTag<float, tile_points>;
using TileVector = hn::Vec<Tile>;

/// Of (a, b, c, e), lanes or blocks of them: a + b + c and b - c - e. `outer` holds a and e, `inner` c and b,
/// `swapped` b and c, and `signs` 1 and -1.
HWY_INLINE TileVector inverse_pair(TileVector outer, TileVector inner, TileVector swapped, TileVector signs) {
  return hn::MulAdd(signs, hn::Add(swapped, outer), inner);
}

/// The inverse transform's rows of two tiles, as blocks: upper, lower of `first`, upper, lower of `second`.
HWY_INLINE TileVector inverse_rows(TileVector first, TileVector second) {
  const Tile d;
  alignas(64) static constexpr float signs[tile_points] = {1, 1, 1, 1, -1, -1, -1, -1,
                                                           1, 1, 1, 1, -1, -1, -1, -1};
  const TileVector low = hn::ConcatLowerLower(d, second, first),
                   high = hn::ConcatUpperUpper(d, second, first);
  const TileVector inner = hn::OddEvenBlocks(low, high);
  return inverse_pair(hn::OddEvenBlocks(high, low), inner, hn::SwapAdjacentBlocks(inner), hn::Load(d, signs));
}

/// The pixels of four tiles: a row of eight, then the one below it.
HWY_INLINE TileVector inverse_of_four_tiles(const float* points) {
  const Tile d;
  const hn::Repartition<double, Tile> pairs;
  alignas(64) static constexpr float signs[tile_points] = {1, -1, 1, -1, 1, -1, 1, -1,
                                                           1, -1, 1, -1, 1, -1, 1, -1};
  alignas(64) static constexpr std::int64_t order[tile_points / 2] = {0, 4, 1, 5, 2, 6, 3, 7};
  const TileVector t0 = hn::LoadU(d, points), t1 = hn::LoadU(d, points + tile_points);
  const TileVector t2 = hn::LoadU(d, points + 2 * tile_points), t3 = hn::LoadU(d, points + 3 * tile_points);
  const auto even = hn::BitCast(pairs, inverse_rows(t0, t1)), odd = hn::BitCast(pairs, inverse_rows(t2, t3));
  const TileVector low = hn::BitCast(d, hn::InterleaveLower(pairs, even, odd));
  const TileVector high = hn::BitCast(d, hn::InterleaveUpper(pairs, even, odd));
  const TileVector inner = hn::OddEven(low, high);
  const TileVector pixels =
      inverse_pair(hn::OddEven(high, low), inner, hn::Reverse2(d, inner), hn::Load(d, signs));
  return hn::BitCast(d, hn::TableLookupLanes(hn::BitCast(pairs, pixels), hn::SetTableIndices(pairs, order)));
}

/// finish_tiles for four tiles in one row whose pixels all exist.
HWY_INLINE void finish_four_tiles(const float* points, const Finish& finish, const float* residual,
                                  float* out, std::size_t width) {
  const Tile d;
  const hn::Half<Tile> row;
  TileVector y =
      hn::MulAdd(inverse_of_four_tiles(points), hn::Set(d, finish.scale), hn::Set(d, finish.offset));
  if (residual != nullptr)
    y = hn::Add(y, hn::Combine(d, hn::LoadU(row, residual + width), hn::LoadU(row, residual)));
  if (finish.relu) y = hn::IfThenZeroElse(hn::Lt(y, hn::Zero(d)), y);
  hn::StoreU(hn::LowerHalf(row, y), row, out);
  hn::StoreU(hn::UpperHalf(row, y), row, out + width);
}
#endif

void finish_tiles(const float* points, int tiles, const TileSegment* segments, int segment_count,
                  const Finish& finish, const float* residual, float* plane, std::size_t width) {
  const Quad d;
#if HWY_MAX_BYTES >= 64 && !HWY_HAVE_SCALABLE
  if (segment_count == 1 && segments[0].width == 8 && segments[0].height == 2) {
    const std::size_t at =
        static_cast<std::size_t>(segments[0].row) * width + static_cast<std::size_t>(segments[0].column);
    return finish_four_tiles(points, finish, residual != nullptr ? residual + at : nullptr, plane + at,
                             width);
  }
#endif
  const auto [rows] = inverse_of_tiles(points, tiles);

  if (segment_count == 1) {
    const TileSegment& segment = segments[0];
    for (std::int32_t y = 0; y < segment.height; ++y) {
      const std::size_t at =
          static_cast<std::size_t>(segment.row + y) * width + static_cast<std::size_t>(segment.column);
      finish_row(rows[y][0], rows[y][1], segment.width, finish, residual != nullptr ? residual + at : nullptr,
                 plane + at);
    }
    return;
  }
  for (std::int32_t y = 0; y < 2; ++y) {
    alignas(16) float pixels[8];
    hn::Store(rows[y][0], d, pixels);
    hn::Store(rows[y][1], d, pixels + 4);
    for (int s = 0; s < segment_count; ++s) {
      const TileSegment& segment = segments[s];
      if (y >= segment.height) continue;
      const std::size_t at =
          static_cast<std::size_t>(segment.row + y) * width + static_cast<std::size_t>(segment.column);
      const float* first = pixels + 2 * segment.first;
      if (segment.width == 4) {
        hn::StoreU(
            finish_vector(d, hn::LoadU(d, first), finish, residual != nullptr ? residual + at : nullptr, 0),
            d, plane + at);
        continue;
      }
      for (std::int32_t i = 0; i < segment.width; ++i) {
        const std::size_t pixel = at + static_cast<std::size_t>(i);
        plane[pixel] = finish_one(first[i], finish, residual, pixel);
      }
    }
  }
}

void copy_rows(const float* in, std::size_t in_stride, std::size_t rows, std::size_t width, float shift,
               float scale, float* out, std::size_t out_stride) {
  const Quad d;
  const auto by = hn::Set(d, scale), from = hn::Set(d, shift);
  for (std::size_t y = 0; y < rows; ++y, in += in_stride, out += out_stride) {
    std::size_t x = 0;
    for (; x + 4 <= width; x += 4) hn::StoreU(hn::Mul(hn::Sub(hn::LoadU(d, in + x), from), by), d, out + x);
    for (; x < width; ++x) out[x] = (in[x] - shift) * scale;
  }
}

void split_rows(const float* in, std::size_t in_stride, std::size_t rows, std::size_t width, float shift,
                float scale, float* even, float* odd, std::size_t out_stride) {
  const Quad d;
  const auto by = hn::Set(d, scale), from = hn::Set(d, shift);
  for (std::size_t y = 0; y < rows; ++y, in += in_stride, even += out_stride, odd += out_stride) {
    std::size_t x = 0;
    for (; 2 * x + 8 <= width; x += 4) {
      QuadVector e, o;
      hn::LoadInterleaved2(d, in + 2 * x, e, o);
      hn::StoreU(hn::Mul(hn::Sub(e, from), by), d, even + x);
      hn::StoreU(hn::Mul(hn::Sub(o, from), by), d, odd + x);
    }
    for (; 2 * x < width; ++x) {
      even[x] = (in[2 * x] - shift) * scale;
      if (2 * x + 1 < width) odd[x] = (in[2 * x + 1] - shift) * scale;
    }
  }
}

/// The larger of two, or the one that is not a number.
template <class D>
HWY_INLINE hn::Vec<D> larger(D, hn::Vec<D> a, hn::Vec<D> b) {
  const auto most = hn::IfThenElse(hn::Gt(b, a), b, a);
  return hn::IfThenElse(hn::IsNaN(b), b, most);
}

void largest_of_windows(const float* x, int kernel, std::size_t count, float* HWY_RESTRICT out) {
  const Quad d;
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    QuadVector most, next;
    hn::LoadInterleaved2(d, x + 2 * i, most, next);
    if (kernel > 1) most = larger(d, most, next);
    for (int k = 2; k < kernel; k += 2) {
      QuadVector even, odd;
      // The last window has no odd number any more where the kernel is odd, but memory holds one.
      hn::LoadInterleaved2(d, x + 2 * i + k, even, odd);
      most = larger(d, most, even);
      if (k + 1 < kernel) most = larger(d, most, odd);
    }
    hn::StoreU(most, d, out + i);
  }
  for (; i < count; ++i) {
    float most = x[2 * i];
    for (int k = 1; k < kernel; ++k) {
      const float other = x[2 * i + static_cast<std::size_t>(k)];
      if (other > most || other != other) most = other;
    }
    out[i] = most;
  }
}

void larger_of(float* HWY_RESTRICT x, const float* HWY_RESTRICT y, std::size_t count) {
  const hn::CappedTag<float, tile_points> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(larger(d, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, x + i);
  for (; i < count; ++i) x[i] = y[i] > x[i] || y[i] != y[i] ? y[i] : x[i];
}

/// erf by Abramowitz and Stegun, 7.1.26: within 1.5e-7.
template <class D>
HWY_INLINE hn::Vec<D> error_function(D d, hn::Vec<D> x) {
  const auto size = hn::Abs(x);
  const auto t = hn::Div(hn::Set(d, 1.0F), hn::MulAdd(size, hn::Set(d, 0.3275911F), hn::Set(d, 1.0F)));
  auto sum = hn::Set(d, 1.061405429F);
  sum = hn::MulAdd(sum, t, hn::Set(d, -1.453152027F));
  sum = hn::MulAdd(sum, t, hn::Set(d, 1.421413741F));
  sum = hn::MulAdd(sum, t, hn::Set(d, -0.284496736F));
  sum = hn::MulAdd(sum, t, hn::Set(d, 0.254829592F));
  const auto tail = hn::Mul(hn::Mul(sum, t), hn::Exp(d, hn::Neg(hn::Mul(size, size))));
  return hn::CopySign(hn::Sub(hn::Set(d, 1.0F), tail), x);
}

void gelu(float* x, std::size_t count) {
  const hn::CappedTag<float, tile_points> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto half = hn::Set(d, 0.5F), root_half = hn::Set(d, 0.70710678F);
  const auto of = [&](auto value) {
    const auto scaled = hn::Mul(value, half);
    return hn::MulAdd(scaled, error_function(d, hn::Mul(value, root_half)), scaled);
  };
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(of(hn::LoadU(d, x + i)), d, x + i);
  if (i < count) {
    float rest[tile_points] = {};
    std::copy(x + i, x + count, rest);
    hn::StoreU(of(hn::LoadU(d, rest)), d, rest);
    std::copy(rest, rest + (count - i), x + i);
  }
}

}  // namespace deepmoe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
