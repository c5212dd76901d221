// Transforms of planes that are one Winograd tile, for one instruction set. Included once for each by
// kernels.cpp.

#if defined(DEEPMOE_ENGINE_SINGLE_TILE_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPMOE_ENGINE_SINGLE_TILE_KERNELS_INL
#undef DEEPMOE_ENGINE_SINGLE_TILE_KERNELS_INL
#else
#define DEEPMOE_ENGINE_SINGLE_TILE_KERNELS_INL
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "engine/channel_lists.hpp"
#include "engine/kernels.hpp"
#include "engine/pixel_kernels-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace deepmoe::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Along each axis, (x1, x2) becomes (x1, x1 + x2, x2).
void transform_single_tiles(const float* planes, const std::int32_t* channels, const float* scales,
                            const float* constants, std::int32_t count, float* HWY_RESTRICT out,
                            std::size_t stride, std::size_t part_stride) {
  const hn::CappedTag<float, tile_points> d;
  const std::size_t lanes = hn::Lanes(d);
  // Which points each of the four pixels is part of.
  alignas(64) static constexpr float pixels[4][tile_points] = {{1, 1, 0, 1, 1, 0, 0, 0, 0},
                                                               {0, 1, 1, 0, 1, 1, 0, 0, 0},
                                                               {0, 0, 0, 1, 1, 0, 1, 1, 0},
                                                               {0, 0, 0, 0, 1, 1, 0, 1, 1}};
  for (std::int32_t i = 0; i < count; ++i, out += stride) {
    const auto channel = static_cast<std::size_t>(channel_at(channels, i));
    const float* plane = planes + channel * 4;
    const float shift = constants != nullptr ? constants[channel] : 0.0F;
    const float scale = scales != nullptr ? scales[i] : 1.0F;
    for (std::size_t first = 0, part = 0; first < single_tile_points; first += lanes, ++part) {
      auto points = hn::Zero(d);
      for (std::size_t k = 0; k < 4; ++k) {
        points = hn::MulAdd(hn::Set(d, (plane[k] - shift) * scale), hn::Load(d, pixels[k] + first), points);
      }
      hn::StoreU(points, d, out + part * part_stride);
    }
  }
}

/// Along each axis, (m0, m1, m2) becomes (m1 + m2, m0 + m1).
void finish_single_tiles(const float* points, std::size_t stride, const std::int32_t* channels,
                         std::int32_t count, const float* scales, const float* offsets, bool relu,
                         const float* residual, float* planes) {
  const Quad d;
  for (std::int32_t k = 0; k < count; ++k, points += stride) {
    // The four sums of four points that are one row, or one column, apart; of them the last pixels' come
    // first.
    const auto m0 = hn::LoadU(d, points), m1 = hn::LoadU(d, points + 1), m2 = hn::LoadU(d, points + 2);
    const auto m3 = hn::LoadU(d, points + 3), m4 = hn::LoadU(d, points + 4), m5 = hn::LoadU(d, points + 5);
    const auto lower = hn::Add(hn::Add(m0, m1), hn::Add(m3, m4));
    const auto upper = hn::Add(hn::Add(m1, m2), hn::Add(m4, m5));
    const std::size_t at = static_cast<std::size_t>(channel_at(channels, k)) * 4;
    const auto pixels = hn::Reverse(d, hn::ConcatUpperLower(d, upper, lower));
    hn::StoreU(finish_vector(d, pixels, {scales[k], offsets[k], relu}, residual, at), d, planes + at);
  }
}

}  // namespace deepmoe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
