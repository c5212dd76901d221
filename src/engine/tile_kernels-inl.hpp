// Transforms of Winograd's F(2x2, 3x3), for one instruction set. Included once for each by kernels.cpp.

#if defined(DEEPMOE_ENGINE_TILE_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPMOE_ENGINE_TILE_KERNELS_INL
#undef DEEPMOE_ENGINE_TILE_KERNELS_INL
#else
#define DEEPMOE_ENGINE_TILE_KERNELS_INL
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "engine/kernels.hpp"
#include "engine/pixel_kernels-inl.hpp"

// Vectors of 16 floats with the instructions that move any of them anywhere.
#undef DEEPMOE_HAVE_TILE_VECTORS
#define DEEPMOE_HAVE_TILE_VECTORS (HWY_ARCH_X86 && HWY_MAX_BYTES >= 64)

HWY_BEFORE_NAMESPACE();
namespace deepmoe::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

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

#if DEEPMOE_HAVE_TILE_VECTORS
/// A vector of a whole tile.
using Tile = hn::FixedTag<float, tile_points>;
using TileVector = hn::Vec<Tile>;

/// Lane i is lane places[i] of `a`, or, from 16 on, of `b`. (Highway has no such operation yet where it is
/// old.)
HWY_INLINE TileVector pick(TileVector a, TileVector b, const std::int32_t* places) {
  return TileVector{_mm512_permutex2var_ps(a.raw, _mm512_load_si512(places), b.raw)};
}

/// The input transform of four tiles that follow each other in a row.
HWY_INLINE void transform_four_tiles(const float* corner, std::size_t stride, float* HWY_RESTRICT out) {
  const Tile d;
  alignas(64) static constexpr float sign[tile_points] = {-1, 1, -1, -1, -1, 1, -1, -1,
                                                          -1, 1, -1, -1, -1, 1, -1, -1};
  // What transform_row takes, for tiles that start two columns apart.
  alignas(64) static constexpr std::int32_t left[tile_points] = {0, 1, 2, 1, 2, 3, 4, 3,
                                                                 4, 5, 6, 5, 6, 7, 8, 7};
  alignas(64) static constexpr std::int32_t right[tile_points] = {2, 2, 1, 3, 4, 4, 3, 5,
                                                                  6, 6, 5, 7, 8, 8, 7, 9};
  const auto columns = hn::FirstN(d, 10);
  const TileVector x0 = hn::MaskedLoad(columns, d, corner), x1 = hn::MaskedLoad(columns, d, corner + stride);
  const TileVector x2 = hn::MaskedLoad(columns, d, corner + 2 * stride),
                   x3 = hn::MaskedLoad(columns, d, corner + 3 * stride);
  const auto transformed = [&](TileVector x) {
    const TileVector a = hn::TableLookupLanes(x, hn::SetTableIndices(d, left));
    return hn::MulAdd(hn::TableLookupLanes(x, hn::SetTableIndices(d, right)), hn::Load(d, sign), a);
  };
  // A block is a row of a tile; four of them become a tile.
  const TileVector r0 = transformed(hn::Sub(x0, x2)), r1 = transformed(hn::Add(x1, x2));
  const TileVector r2 = transformed(hn::Sub(x2, x1)), r3 = transformed(hn::Sub(x1, x3));
  alignas(64) static constexpr std::int32_t even[tile_points] = {0,  1,  2,  3,  8,  9,  10, 11,
                                                                 16, 17, 18, 19, 24, 25, 26, 27};
  alignas(64) static constexpr std::int32_t odd[tile_points] = {4,  5,  6,  7,  12, 13, 14, 15,
                                                                20, 21, 22, 23, 28, 29, 30, 31};
  const auto store_pair = [&](TileVector upper, TileVector lower, float* to) {
    hn::StoreU(pick(upper, lower, even), d, to);
    hn::StoreU(pick(upper, lower, odd), d, to + tile_points);
  };
  store_pair(hn::ConcatLowerLower(d, r1, r0), hn::ConcatLowerLower(d, r3, r2), out);
  store_pair(hn::ConcatUpperUpper(d, r1, r0), hn::ConcatUpperUpper(d, r3, r2), out + 2 * tile_points);
}
#endif

void transform_tiles(const float* plane, std::size_t stride, const std::int32_t* corners, int groups,
                     int tiles, float* HWY_RESTRICT out, std::size_t part_stride, std::size_t group_stride) {
  const Quad d;
  const std::size_t lanes = hn::Lanes(hn::CappedTag<float, tile_points>());
  for (int g = 0; g < groups; ++g, corners += tiles, out += group_stride) {
#if DEEPMOE_HAVE_TILE_VECTORS
    if (tiles == 4 && corners[3] == corners[0] + 6) {
      transform_four_tiles(plane + corners[0], stride, out);
      continue;
    }
#endif
    float* rows[4];
    for (std::size_t r = 0; r < 4; ++r) rows[r] = out + (4 * r / lanes) * part_stride + 4 * r % lanes;
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
}

/// Three numbers of a kernel's row, and one that does not matter, in each block of four lanes.
template <class D>
HWY_INLINE hn::Vec<D> kernel_row(D d, const float* row) {
  return hn::LoadDup128(d, row);
}
template <class D>
HWY_INLINE hn::Vec<D> kernel_row(D d, const BFloat16* row) {
  alignas(16) const float numbers[4] = {to_float(row[0]), to_float(row[1]), to_float(row[2]), 0.0F};
  return hn::LoadDup128(d, numbers);
}

/// G g G^T (Lavin and Gray, CVPR 2016, section 4.1): rows of G times rows of the kernel, then times its
/// columns.
template <class Weight>
void transform_kernels(const Weight* kernels, const Weight* ahead, const std::int32_t* channels,
                       std::int32_t count, std::int32_t first, float* HWY_RESTRICT out,
                       std::size_t part_stride) {
  const hn::CappedTag<float, tile_points> d;
  const std::size_t lanes = hn::Lanes(d);
  // What each row of the kernel, a block of four lanes, gives to each row of the tile ...
  alignas(64) static constexpr float rows[3][tile_points] = {
      {1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0},
      {0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, -0.5, -0.5, -0.5, 0, 0, 0, 0},
      {0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 1, 1, 1}};
  // ... and what each column gives to each column.
  alignas(64) static constexpr float columns[3][tile_points] = {
      {1, 0.5, 0.5, 0, 1, 0.5, 0.5, 0, 1, 0.5, 0.5, 0, 1, 0.5, 0.5, 0},
      {0, 0.5, -0.5, 0, 0, 0.5, -0.5, 0, 0, 0.5, -0.5, 0, 0, 0.5, -0.5, 0},
      {0, 0.5, 0.5, 1, 0, 0.5, 0.5, 1, 0, 0.5, 0.5, 1, 0, 0.5, 0.5, 1}};
  for (std::int32_t i = 0; i < count; ++i) {
    const std::size_t at_channel = 9 * static_cast<std::size_t>(channels[i]);
    const Weight* kernel = kernels + at_channel;
    hwy::Prefetch(ahead + at_channel);
    float* to = out + static_cast<std::size_t>(channels[i] - first) * lanes;
    const auto top = kernel_row(d, kernel), middle = kernel_row(d, kernel + 3),
               bottom = kernel_row(d, kernel + 6);
    for (std::size_t at = 0; at < tile_points; at += lanes, to += part_stride) {
      const auto points = hn::MulAdd(
          top, hn::Load(d, rows[0] + at),
          hn::MulAdd(middle, hn::Load(d, rows[1] + at), hn::Mul(bottom, hn::Load(d, rows[2] + at))));
      hn::StoreU(hn::MulAdd(hn::Broadcast<0>(points), hn::Load(d, columns[0] + at),
                            hn::MulAdd(hn::Broadcast<1>(points), hn::Load(d, columns[1] + at),
                                       hn::Mul(hn::Broadcast<2>(points), hn::Load(d, columns[2] + at)))),
                 d, to);
    }
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

#if DEEPMOE_HAVE_TILE_VECTORS
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

/// Stores a row of eight pixels and the one below it.
HWY_INLINE void finish_rows(TileVector pixels, const Finish& finish, const float* residual, float* out,
                            std::size_t width) {
  const Tile d;
  const hn::Half<Tile> row;
  TileVector y = hn::MulAdd(pixels, hn::Set(d, finish.scale), hn::Set(d, finish.offset));
  if (residual != nullptr)
    y = hn::Add(y, hn::Combine(d, hn::LoadU(row, residual + width), hn::LoadU(row, residual)));
  if (finish.relu) y = hn::IfThenZeroElse(hn::Lt(y, hn::Zero(d)), y);
  hn::StoreU(hn::LowerHalf(row, y), row, out);
  hn::StoreU(hn::UpperHalf(row, y), row, out + width);
}
#endif

/// Stores the pixels of a group, a row of eight and the one below it, where they exist.
HWY_INLINE void finish_segments(const float (&pixels)[2][8], const TileGroup& group, const Finish& finish,
                                const float* residual, float* plane, std::size_t width) {
  const Quad d;
  for (int s = 0; s < group.segment_count; ++s) {
    const TileSegment& segment = group.segments[static_cast<std::size_t>(s)];
    for (std::int32_t y = 0; y < segment.height; ++y) {
      const std::size_t at =
          static_cast<std::size_t>(segment.row + y) * width + static_cast<std::size_t>(segment.column);
      const float* first = pixels[y] + 2 * segment.first;
      std::int32_t i = 0;
      for (; i + 4 <= segment.width; i += 4) {
        const std::size_t pixel = at + static_cast<std::size_t>(i);
        hn::StoreU(finish_vector(d, hn::LoadU(d, first + i), finish, residual, pixel), d, plane + pixel);
      }
      for (; i < segment.width; ++i) {
        const std::size_t pixel = at + static_cast<std::size_t>(i);
        plane[pixel] = finish_one(first[i], finish, residual, pixel);
      }
    }
  }
}

void finish_tiles(const float* points, const TileGroup* groups, int group_count, const Finish& finish,
                  const float* residual, float* plane, std::size_t width) {
  for (int g = 0; g < group_count; ++g, points += product_columns * tile_points) {
    const TileGroup& group = groups[g];
    const TileSegment& first = group.segments[0];
    const std::size_t at =
        static_cast<std::size_t>(first.row) * width + static_cast<std::size_t>(first.column);
    const bool is_whole = first.width == 2 * product_columns && first.height == 2;
    alignas(64) float pixels[2][8];
#if DEEPMOE_HAVE_TILE_VECTORS
    if (group.tiles == product_columns) {
      const TileVector rows = inverse_of_four_tiles(points);
      if (is_whole) {
        finish_rows(rows, finish, residual != nullptr ? residual + at : nullptr, plane + at, width);
        continue;
      }
      hn::Store(rows, Tile(), pixels[0]);
      finish_segments(pixels, group, finish, residual, plane, width);
      continue;
    }
#endif
    const Quad d;
    const auto [rows] = inverse_of_tiles(points, group.tiles);
    for (std::size_t y = 0; y < 2; ++y) {
      for (std::size_t half = 0; half < 2; ++half) {
        const std::size_t pixel = at + y * width + 4 * half;
        if (is_whole) {
          hn::StoreU(finish_vector(d, rows[y][half], finish, residual, pixel), d, plane + pixel);
        } else {
          hn::Store(rows[y][half], d, pixels[y] + 4 * half);
        }
      }
    }
    if (!is_whole) finish_segments(pixels, group, finish, residual, plane, width);
  }
}

}  // namespace deepmoe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
