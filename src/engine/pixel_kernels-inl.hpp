// Copies, the finish of sums, pooling and activations, for one instruction set. Included once for each by
// kernels.cpp.

#if defined(DEEPMOE_ENGINE_PIXEL_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPMOE_ENGINE_PIXEL_KERNELS_INL
#undef DEEPMOE_ENGINE_PIXEL_KERNELS_INL
#else
#define DEEPMOE_ENGINE_PIXEL_KERNELS_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "engine/kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace deepmoe::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Four numbers, e.g. a row of a Winograd tile.
using Quad = hn::FixedTag<float, 4>;
using QuadVector = hn::Vec<Quad>;

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

void finish_outputs(const float* sums, std::size_t width, std::size_t pixels, std::size_t outputs,
                    const float* scales, const float* offsets, bool relu, const float* residual,
                    float* planes, std::size_t plane) {
  const Quad d;
  for (std::size_t o = 0; o < outputs; o += 4) {
    const std::size_t count = std::min<std::size_t>(4, outputs - o);
    std::size_t i = 0;
    for (; i + 4 <= pixels; i += 4) {
      const float* from = sums + i * width + o;
      QuadVector y[4];
      for (std::size_t r = 0; r < 4; ++r) y[r] = hn::LoadU(d, from + r * width);
      transpose(y[0], y[1], y[2], y[3]);
      for (std::size_t k = 0; k < count; ++k) {
        const std::size_t at = (o + k) * plane + i;
        hn::StoreU(finish_vector(d, y[k], {scales[o + k], offsets[o + k], relu}, residual, at), d,
                   planes + at);
      }
    }
    for (; i < pixels; ++i) {
      for (std::size_t k = o; k < o + count; ++k) {
        const std::size_t at = k * plane + i;
        planes[at] = finish_one(sums[i * width + k], {scales[k], offsets[k], relu}, residual, at);
      }
    }
  }
}

void copy_rows(const float* in, std::size_t in_stride, std::size_t rows, std::size_t width, float shift,
               float scale, float* out, std::size_t out_stride) {
  const hn::CappedTag<float, tile_points> wide;
  const Quad d;
  const std::size_t lanes = hn::Lanes(wide);
  const auto copied = [&](auto tag, const float* pixels) {
    return hn::Mul(hn::Sub(hn::LoadU(tag, pixels), hn::Set(tag, shift)), hn::Set(tag, scale));
  };
  for (std::size_t y = 0; y < rows; ++y, in += in_stride, out += out_stride) {
    std::size_t x = 0;
    for (; x + lanes <= width; x += lanes) hn::StoreU(copied(wide, in + x), wide, out + x);
    for (; x + 4 <= width; x += 4) hn::StoreU(copied(d, in + x), d, out + x);
    for (; x < width; ++x) out[x] = (in[x] - shift) * scale;
  }
}

void split_rows(const float* in, std::size_t in_stride, std::size_t rows, std::size_t width, float shift,
                float scale, float* even, float* odd, std::size_t out_stride) {
  const hn::CappedTag<float, tile_points> wide;
  const Quad d;
  const std::size_t lanes = hn::Lanes(wide);
  for (std::size_t y = 0; y < rows; ++y, in += in_stride, even += out_stride, odd += out_stride) {
    std::size_t x = 0;
    const auto split = [&](auto tag) {
      hn::Vec<decltype(tag)> e, o;
      hn::LoadInterleaved2(tag, in + 2 * x, e, o);
      const auto by = hn::Set(tag, scale), from = hn::Set(tag, shift);
      hn::StoreU(hn::Mul(hn::Sub(e, from), by), tag, even + x);
      hn::StoreU(hn::Mul(hn::Sub(o, from), by), tag, odd + x);
    };
    for (; 2 * (x + lanes) <= width; x += lanes) split(wide);
    for (; 2 * (x + 4) <= width; x += 4) split(d);
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

/// The larger of each two that follow each other.
HWY_INLINE QuadVector larger_of_pairs(QuadVector low, QuadVector high) {
  const Quad d;
  return larger(d, hn::ConcatEven(d, high, low), hn::ConcatOdd(d, high, low));
}

void largest_of_quarters(const float* x, std::size_t rows, std::size_t width, float* HWY_RESTRICT out) {
  const Quad d;
  // The larger of each four numbers and the four below.
  const auto columns = [&](const float* at) { return larger(d, hn::LoadU(d, at), hn::LoadU(d, at + width)); };
  const std::size_t windows = width / 2;
  std::size_t pair = 0;
  const std::size_t pairs = rows / 2;
  if (width == 2) {
    for (; pair + 4 <= pairs; pair += 4, x += 16, out += 4) {
      const QuadVector a = larger_of_pairs(hn::LoadU(d, x), hn::LoadU(d, x + 4));
      const QuadVector b = larger_of_pairs(hn::LoadU(d, x + 8), hn::LoadU(d, x + 12));
      hn::StoreU(larger_of_pairs(a, b), d, out);
    }
  } else if (width == 4) {
    for (; pair + 2 <= pairs; pair += 2, x += 16, out += 4)
      hn::StoreU(larger_of_pairs(columns(x), columns(x + 8)), d, out);
  }
  for (; pair < pairs; ++pair, x += 2 * width, out += windows) {
    std::size_t i = 0;
    for (; i + 4 <= windows; i += 4)
      hn::StoreU(larger_of_pairs(columns(x + 2 * i), columns(x + 2 * i + 4)), d, out + i);
    for (; i < windows; ++i) {
      float most = x[2 * i];
      for (const float other : {x[2 * i + 1], x[width + 2 * i], x[width + 2 * i + 1]}) {
        if (other > most || other != other) most = other;
      }
      out[i] = most;
    }
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

std::int32_t list_positive(const float* x, std::int32_t count, std::int32_t* HWY_RESTRICT places) {
  const hn::CappedTag<std::int32_t, tile_points> d;
  const auto lanes = static_cast<std::int32_t>(hn::Lanes(d));
  const auto numbers = hn::RebindToFloat<decltype(d)>();
  std::int32_t found = 0, i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto of = hn::LoadU(numbers, x + i);
    // Whole vectors are stored: what is behind the listed ones comes next, and no more than i are listed.
    const auto listed = hn::RebindMask(d, hn::Not(hn::Le(of, hn::Zero(numbers))));
    hn::StoreU(hn::Compress(hn::Iota(d, i), listed), d, places + found);
    found += static_cast<std::int32_t>(hn::CountTrue(d, listed));
  }
  for (; i < count; ++i) {
    places[found] = i;
    found += !(x[i] <= 0.0F) ? 1 : 0;
  }
  return found;
}

std::int32_t count_above(const float* x, std::int32_t count, std::int32_t bits) {
  const hn::CappedTag<std::int32_t, tile_points> d;
  const auto lanes = static_cast<std::int32_t>(hn::Lanes(d));
  const auto numbers = hn::RebindToFloat<decltype(d)>();
  const auto limit = hn::Set(d, bits);
  // A comparison that is true is -1.
  auto found = hn::Zero(d);
  std::int32_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto of = hn::BitCast(d, hn::Abs(hn::LoadU(numbers, x + i)));
    found = hn::Sub(found, hn::VecFromMask(d, hn::Gt(of, limit)));
  }
  std::int32_t all = hn::GetLane(hn::SumOfLanes(d, found));
  for (; i < count; ++i) {
    std::int32_t of = 0;
    std::memcpy(&of, x + i, sizeof of);
    all += (of & std::numeric_limits<std::int32_t>::max()) > bits ? 1 : 0;
  }
  return all;
}

/// erf as x P(x^2) / Q(x^2), a minimax fit within 4e-7 up to 3.93, where erf is one for a float.
template <class D>
HWY_INLINE hn::Vec<D> error_function(D d, hn::Vec<D> x) {
  constexpr float p[] = {1.1283790F, 0.19318353F, 0.053108569F, 0.0038844354F, 0.00028750799F, 2.0269955e-6F};
  constexpr float q[] = {1.0F, 0.50453606F, 0.11525134F, 0.015204635F, 0.0011914122F, 3.7992321e-5F};
  const auto most = hn::Set(d, 3.93F);
  // A comparison that is false leaves what is not a number as it is.
  const auto inside = hn::IfThenElse(hn::Gt(hn::Abs(x), most), hn::CopySign(most, x), x);
  const auto square = hn::Mul(inside, inside);
  auto above = hn::Set(d, p[5]), below = hn::Set(d, q[5]);
  for (int i = 4; i >= 0; --i) {
    above = hn::MulAdd(above, square, hn::Set(d, p[i]));
    below = hn::MulAdd(below, square, hn::Set(d, q[i]));
  }
  return hn::Div(hn::Mul(inside, above), below);
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
