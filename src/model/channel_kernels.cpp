#include "model/channel_kernels.hpp"

#include <algorithm>
#include <limits>

// Steps in between the usual instruction sets are not worth their size, and vectors of unknown length can't
// stand in arrays.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/channel_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "model/channel_vectors-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace deepmoe::HWY_NAMESPACE {

template <class E>
void sum_channels(const E* HWY_RESTRICT input, PixelRange pixels, double* sums) {
  using T = ComputedType<E>;
  add_up<T, 1>(pixels.count, {sums}, [&](std::size_t i, Channels<T>(&sum)[1]) HWY_ATTR {
    const Channels<T> x = Channels<T>::of(input + i * pixels.step);
    for (std::size_t v = 0; v < x.vectors; ++v) sum[0].part[v] = hn::Add(sum[0].part[v], x.part[v]);
  });
}

template <class E>
void square_sum_channels(const E* HWY_RESTRICT input, const ComputedType<E>* centers, PixelRange pixels,
                         double* sums) {
  using T = ComputedType<E>;
  const Channels<T> center = Channels<T>::of(centers);
  add_up<T, 1>(pixels.count, {sums}, [&](std::size_t i, Channels<T>(&sum)[1]) HWY_ATTR {
    const Channels<T> x = Channels<T>::of(input + i * pixels.step);
    for (std::size_t v = 0; v < x.vectors; ++v) {
      const Vector<T> difference = hn::Sub(x.part[v], center.part[v]);
      sum[0].part[v] = hn::MulAdd(difference, difference, sum[0].part[v]);
    }
  });
}

template <bool with_residual, bool relu, class E>
void apply_channels_as(const E* HWY_RESTRICT input, const ChannelLines<ComputedType<E>>& lines,
                       const E* HWY_RESTRICT residual, E* HWY_RESTRICT out, PixelRange pixels) {
  using T = ComputedType<E>;
  const Lines<T> values(lines);
  for (std::size_t i = 0; i < pixels.count; ++i) {
    const std::size_t place = i * pixels.step;
    for (std::size_t v = 0; v < Channels<T>::vectors; ++v) {
      const std::size_t at = place + v * Channels<T>::lanes;
      Vector<T> value = values(v, load(input + at));
      if constexpr (with_residual) value = hn::Add(value, load(residual + at));
      if constexpr (relu) value = positive_part<T>(value);
      store(value, out + at);
    }
  }
}

template <class E>
void apply_channels(const E* input, const ChannelLines<ComputedType<E>>& lines, const E* residual, bool relu,
                    E* out, PixelRange pixels) {
  if (residual != nullptr) {
    relu ? apply_channels_as<true, true>(input, lines, residual, out, pixels)
         : apply_channels_as<true, false>(input, lines, residual, out, pixels);
  } else {
    relu ? apply_channels_as<false, true>(input, lines, residual, out, pixels)
         : apply_channels_as<false, false>(input, lines, residual, out, pixels);
  }
}

/// d of the pixel at `place`.
template <bool relu, class E>
HWY_INLINE Channels<ComputedType<E>> let_through_channels(const E* gradient, const E* HWY_RESTRICT output,
                                                          std::size_t place) {
  using T = ComputedType<E>;
  Channels<T> d = Channels<T>::of(gradient + place);
  if constexpr (relu) {
    for (std::size_t v = 0; v < d.vectors; ++v) {
      d.part[v] = let_through<T>(d.part[v], load(output + place + v * d.lanes));
    }
  }
  return d;
}

/// Adds d and d (x - center) to their sums.
template <class T, class E>
HWY_INLINE void add_products(const Channels<T>& d, const E* HWY_RESTRICT input, const Channels<T>& center,
                             Channels<T> (&sums)[2]) {
  for (std::size_t v = 0; v < d.vectors; ++v) {
    const Vector<T> x = load(input + v * d.lanes);
    sums[0].part[v] = hn::Add(sums[0].part[v], d.part[v]);
    sums[1].part[v] = hn::MulAdd(d.part[v], hn::Sub(x, center.part[v]), sums[1].part[v]);
  }
}

template <bool relu, bool keep, class E>
void reduce_channels_as(const E* HWY_RESTRICT gradient, const E* HWY_RESTRICT output,
                        const E* HWY_RESTRICT input, const ComputedType<E>* centers, E* HWY_RESTRICT masked,
                        PixelRange pixels, ChannelSums& sums) {
  using T = ComputedType<E>;
  const Channels<T> center = Channels<T>::of(centers);
  add_up<T, 2>(pixels.count, {sums.gradient, sums.product},
               [&](std::size_t i, Channels<T>(&partial)[2]) HWY_ATTR {
                 const std::size_t place = i * pixels.step;
                 const Channels<T> d = let_through_channels<relu>(gradient, output, place);
                 if constexpr (keep) d.put(masked + place);
                 add_products(d, input + place, center, partial);
               });
}

template <class E>
void reduce_channels(const E* gradient, const E* output, const E* input, const ComputedType<E>* centers,
                     E* masked, PixelRange pixels, ChannelSums& sums) {
  if (output != nullptr) {
    masked != nullptr
        ? reduce_channels_as<true, true>(gradient, output, input, centers, masked, pixels, sums)
        : reduce_channels_as<true, false>(gradient, output, input, centers, masked, pixels, sums);
  } else {
    masked != nullptr
        ? reduce_channels_as<false, true>(gradient, output, input, centers, masked, pixels, sums)
        : reduce_channels_as<false, false>(gradient, output, input, centers, masked, pixels, sums);
  }
}

template <bool relu, class E>
void differentiate_channels_as(const E* gradient, const E* HWY_RESTRICT output, const E* HWY_RESTRICT input,
                               const ChannelSlopes<ComputedType<E>>& slopes, E* out, PixelRange pixels) {
  using T = ComputedType<E>;
  const Slopes<T> values(slopes);
  for (std::size_t i = 0; i < pixels.count; ++i) {
    const std::size_t place = i * pixels.step;
    const Channels<T> d = let_through_channels<relu>(gradient, output, place);
    values.put(d, input + place, out + place);
  }
}

template <class E>
void differentiate_channels(const E* gradient, const E* output, const E* input,
                            const ChannelSlopes<ComputedType<E>>& slopes, E* out, PixelRange pixels) {
  output != nullptr ? differentiate_channels_as<true>(gradient, output, input, slopes, out, pixels)
                    : differentiate_channels_as<false>(gradient, output, input, slopes, out, pixels);
}

template <class E>
void pool_channels(const E* HWY_RESTRICT input, const ChannelLines<ComputedType<E>>& lines,
                   const PlanePool& pool, std::size_t step, E* HWY_RESTRICT out,
                   std::uint8_t* HWY_RESTRICT taps) {
  using T = ComputedType<E>;
  const Tag<T> d;
  const Lines<T> values(lines);
  // The taps of a window that are not padding, along one axis.
  const auto first_tap = [&](std::size_t corner) {
    return corner < pool.padding ? pool.padding - corner : 0;
  };
  const auto last_tap = [&](std::size_t corner, std::size_t extent) {
    return std::min(pool.kernel, extent + pool.padding - corner);
  };
  for (std::size_t y = 0; y < pool.out_height; ++y) {
    const std::size_t top = y * pool.stride, last_row = last_tap(top, pool.height);
    for (std::size_t x = 0; x < pool.out_width; ++x) {
      const std::size_t left = x * pool.stride, last_column = last_tap(left, pool.width);
      Channels<T> best, tap = Channels<T>::zero();
      for (Vector<T>& part : best.part) part = hn::Set(d, -std::numeric_limits<T>::infinity());
      for (std::size_t row = first_tap(top); row < last_row; ++row) {
        for (std::size_t column = first_tap(left); column < last_column; ++column) {
          const std::size_t pixel = (top + row - pool.padding) * pool.width + left + column - pool.padding;
          const Vector<T> number = hn::Set(d, static_cast<T>(row * pool.kernel + column));
          for (std::size_t v = 0; v < best.vectors; ++v) {
            const Vector<T> value = values(v, load(input + pixel * step + v * best.lanes));
            const auto larger = hn::Or(hn::Gt(value, best.part[v]), hn::Not(hn::Eq(value, value)));
            best.part[v] = hn::IfThenElse(larger, value, best.part[v]);
            tap.part[v] = hn::IfThenElse(larger, number, tap.part[v]);
          }
        }
      }
      const std::size_t place = (y * pool.out_width + x) * step;
      for (std::size_t v = 0; v < best.vectors; ++v) {
        store(positive_part<T>(best.part[v]), out + place + v * best.lanes);
        store_taps<T>(tap.part[v], taps + place + v * best.lanes);
      }
    }
  }
}

/// The windows of a maximum that contain a pixel, along one axis.
struct Windows {
  std::size_t first = 0, end = 0;

  /// To the pixel at `place`, which counts the padding in and never decreases.
  void advance(std::size_t place, const PlanePool& pool, std::size_t count) {
    while (first * pool.stride + pool.kernel <= place) ++first;
    while (end < count && end * pool.stride <= place) ++end;
  }
};

/// d of the pixel in row y and column x, which is in these windows.
template <class E>
HWY_INLINE Channels<ComputedType<E>> pool_gradient(const E* HWY_RESTRICT gradient,
                                                   const E* HWY_RESTRICT output,
                                                   const std::uint8_t* HWY_RESTRICT taps,
                                                   const PlanePool& pool, std::size_t y, const Windows& rows,
                                                   std::size_t x, const Windows& columns, std::size_t step) {
  using T = ComputedType<E>;
  Channels<T> d = Channels<T>::zero();
  for (std::size_t row = rows.first; row < rows.end; ++row) {
    for (std::size_t column = columns.first; column < columns.end; ++column) {
      const std::size_t tap =
          (y + pool.padding - row * pool.stride) * pool.kernel + x + pool.padding - column * pool.stride;
      const Vector<T> number = hn::Set(Tag<T>(), static_cast<T>(tap));
      for (std::size_t v = 0; v < d.vectors; ++v) {
        const std::size_t place = (row * pool.out_width + column) * step + v * d.lanes;
        const Vector<T> through = let_through<T>(load(gradient + place), load(output + place));
        const auto chosen = hn::Eq(load_taps<T>(taps + place), number);
        d.part[v] = hn::Add(d.part[v], hn::IfThenElseZero(chosen, through));
      }
    }
  }
  return d;
}

template <class E>
void reduce_pool_channels(const E* gradient, const E* output, const std::uint8_t* taps, const PlanePool& pool,
                          const E* input, const ComputedType<E>* centers, E* unpooled, std::size_t step,
                          ChannelSums& sums) {
  using T = ComputedType<E>;
  const Channels<T> center = Channels<T>::of(centers);
  sums = {};
  Windows rows;
  for (std::size_t y = 0; y < pool.height; ++y) {
    rows.advance(y + pool.padding, pool, pool.out_height);
    Windows columns;
    Channels<T> partial[2] = {Channels<T>::zero(), Channels<T>::zero()};
    for (std::size_t x = 0; x < pool.width; ++x) {
      columns.advance(x + pool.padding, pool, pool.out_width);
      const std::size_t place = (y * pool.width + x) * step;
      const Channels<T> d = pool_gradient(gradient, output, taps, pool, y, rows, x, columns, step);
      if (unpooled != nullptr) d.put(unpooled + place);
      add_products(d, input + place, center, partial);
    }
    partial[0].add_to(sums.gradient);
    partial[1].add_to(sums.product);
  }
}

template <class E>
constexpr ChannelKernels<E> channel_kernels_of() {
  return {sum_channels<E>,           square_sum_channels<E>, apply_channels<E>,      reduce_channels<E>,
          differentiate_channels<E>, pool_channels<E>,       reduce_pool_channels<E>};
}

const ChannelKernels<float>* float_channel_kernels() {
  static constexpr ChannelKernels<float> kernels = channel_kernels_of<float>();
  return &kernels;
}
const ChannelKernels<double>* double_channel_kernels() {
  static constexpr ChannelKernels<double> kernels = channel_kernels_of<double>();
  return &kernels;
}
const ChannelKernels<Bfloat16>* bfloat16_channel_kernels() {
  static constexpr ChannelKernels<Bfloat16> kernels = channel_kernels_of<Bfloat16>();
  return &kernels;
}

}  // namespace deepmoe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace deepmoe {

HWY_EXPORT(float_channel_kernels);
HWY_EXPORT(double_channel_kernels);
HWY_EXPORT(bfloat16_channel_kernels);

template <>
const ChannelKernels<float>& channel_kernels<float>() {
  static const ChannelKernels<float>& kernels = *HWY_DYNAMIC_DISPATCH(float_channel_kernels)();
  return kernels;
}
template <>
const ChannelKernels<double>& channel_kernels<double>() {
  static const ChannelKernels<double>& kernels = *HWY_DYNAMIC_DISPATCH(double_channel_kernels)();
  return kernels;
}
template <>
const ChannelKernels<Bfloat16>& channel_kernels<Bfloat16>() {
  static const ChannelKernels<Bfloat16>& kernels = *HWY_DYNAMIC_DISPATCH(bfloat16_channel_kernels)();
  return kernels;
}

}  // namespace deepmoe
#endif  // HWY_ONCE
