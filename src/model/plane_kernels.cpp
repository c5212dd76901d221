#include "model/plane_kernels.hpp"

#include <algorithm>
#include <limits>

// Steps in between the usual instruction sets are not worth their size.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/plane_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "model/norm_vectors-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace deepmoe::HWY_NAMESPACE {

/// Two vectors of neighbours, the even ones and the odd ones.
template <class E>
void load_pairs(const E* HWY_RESTRICT from, Vector<ComputedType<E>>& even, Vector<ComputedType<E>>& odd) {
  const Tag<ComputedType<E>> d;
  if constexpr (std::is_same_v<E, Bfloat16>) {
    const hn::RebindToUnsigned<decltype(d)> whole;
    const auto pairs = hn::LoadU(whole, reinterpret_cast<const std::uint32_t*>(from));
    even = hn::BitCast(d, hn::ShiftLeft<16>(pairs));
    odd = hn::BitCast(d, hn::And(pairs, hn::Set(whole, 0xFFFF0000U)));
  } else {
    hn::LoadInterleaved2(d, from, even, odd);
  }
}

/// Vectors that are added up before their sum goes into a double.
constexpr std::size_t vectors_in_stretch = 64;

template <class T>
double total(Vector<T> first, Vector<T> second) {
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(Tag<T>(), hn::Add(first, second))));
}

template <class E>
double sum(const E* HWY_RESTRICT input, std::size_t count) {
  using T = ComputedType<E>;
  const Tag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  double result = 0.0;
  std::size_t i = 0;
  while (i + 2 * lanes <= count) {
    const std::size_t end = std::min(count, i + vectors_in_stretch * lanes);
    Vector<T> even = hn::Zero(d), odd = hn::Zero(d);
    for (; i + 2 * lanes <= end; i += 2 * lanes) {
      even = hn::Add(even, load(input + i));
      odd = hn::Add(odd, load(input + i + lanes));
    }
    result += total<T>(even, odd);
  }
  for (; i < count; ++i) result += static_cast<double>(widened(input[i]));
  return result;
}

template <class E>
double square_sum(const E* HWY_RESTRICT input, ComputedType<E> center, std::size_t count) {
  using T = ComputedType<E>;
  const Tag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const Vector<T> centers = hn::Set(d, center);
  double result = 0.0;
  std::size_t i = 0;
  while (i + 2 * lanes <= count) {
    const std::size_t end = std::min(count, i + vectors_in_stretch * lanes);
    Vector<T> even = hn::Zero(d), odd = hn::Zero(d);
    for (; i + 2 * lanes <= end; i += 2 * lanes) {
      const Vector<T> first = hn::Sub(load(input + i), centers);
      const Vector<T> second = hn::Sub(load(input + i + lanes), centers);
      even = hn::MulAdd(first, first, even);
      odd = hn::MulAdd(second, second, odd);
    }
    result += total<T>(even, odd);
  }
  for (; i < count; ++i) {
    const double difference = static_cast<double>(widened(input[i])) - static_cast<double>(center);
    result += difference * difference;
  }
  return result;
}

/// A PlaneLine in registers.
template <class T>
struct Line {
  explicit Line(const PlaneLine<T>& line)
      : before(hn::Set(Tag<T>(), line.before)),
        scale(hn::Set(Tag<T>(), line.scale)),
        shift(hn::Set(Tag<T>(), line.shift)),
        behind(hn::Set(Tag<T>(), line.behind)) {}
  HWY_INLINE Vector<T> operator()(Vector<T> x) const {
    return hn::Mul(hn::MulAdd(hn::Mul(x, before), scale, shift), behind);
  }
  Vector<T> before, scale, shift, behind;
};
template <class T>
T value_of(const PlaneLine<T>& line, T x) {
  return (x * line.before * line.scale + line.shift) * line.behind;
}

template <bool with_residual, bool relu, class E, class Out>
void apply_as(const E* HWY_RESTRICT input, const PlaneLine<ComputedType<E>>& line,
              const E* HWY_RESTRICT residual, Out* HWY_RESTRICT out, std::size_t count) {
  using T = ComputedType<E>;
  const Tag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const Line<T> values(line);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    Vector<T> value = values(load(input + i));
    if constexpr (with_residual) value = hn::Add(value, load(residual + i));
    if constexpr (relu) value = positive_part<T>(value);
    store(value, out + i);
  }
  for (; i < count; ++i) {
    T value = value_of(line, widened(input[i]));
    if constexpr (with_residual) value += widened(residual[i]);
    out[i] = stored<Out>(relu ? positive_part(value) : value);
  }
}

template <class E>
void apply(const E* input, const PlaneLine<ComputedType<E>>& line, const E* residual, bool relu, E* out,
           std::size_t count) {
  if (residual != nullptr) {
    relu ? apply_as<true, true>(input, line, residual, out, count)
         : apply_as<true, false>(input, line, residual, out, count);
  } else {
    relu ? apply_as<false, true>(input, line, residual, out, count)
         : apply_as<false, false>(input, line, residual, out, count);
  }
}

template <bool relu, bool keep, class E>
PlaneSums reduce_as(const E* HWY_RESTRICT gradient, const E* HWY_RESTRICT output, const E* HWY_RESTRICT input,
                    ComputedType<E> center, E* HWY_RESTRICT masked, std::size_t count) {
  using T = ComputedType<E>;
  const Tag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const Vector<T> centers = hn::Set(d, center);
  const auto load_gradient = [&](std::size_t at) {
    Vector<T> value = load(gradient + at);
    if constexpr (relu) value = let_through<T>(value, load(output + at));
    if constexpr (keep) store(value, masked + at);
    return value;
  };
  PlaneSums sums;
  std::size_t i = 0;
  while (i + 2 * lanes <= count) {
    const std::size_t end = std::min(count, i + vectors_in_stretch * lanes);
    Vector<T> even = hn::Zero(d), odd = hn::Zero(d), even_product = hn::Zero(d), odd_product = hn::Zero(d);
    for (; i + 2 * lanes <= end; i += 2 * lanes) {
      const Vector<T> first = load_gradient(i), second = load_gradient(i + lanes);
      even = hn::Add(even, first);
      odd = hn::Add(odd, second);
      even_product = hn::MulAdd(first, hn::Sub(load(input + i), centers), even_product);
      odd_product = hn::MulAdd(second, hn::Sub(load(input + i + lanes), centers), odd_product);
    }
    sums.gradient += total<T>(even, odd);
    sums.product += total<T>(even_product, odd_product);
  }
  for (; i < count; ++i) {
    T value = widened(gradient[i]);
    if constexpr (relu) value = let_through(value, widened(output[i]));
    if constexpr (keep) masked[i] = stored<E>(value);
    sums.gradient += static_cast<double>(value);
    sums.product +=
        static_cast<double>(value) * (static_cast<double>(widened(input[i])) - static_cast<double>(center));
  }
  return sums;
}

template <class E>
PlaneSums reduce(const E* gradient, const E* output, const E* input, ComputedType<E> center, E* masked,
                 std::size_t count) {
  if (output != nullptr) {
    return masked != nullptr ? reduce_as<true, true>(gradient, output, input, center, masked, count)
                             : reduce_as<true, false>(gradient, output, input, center, masked, count);
  }
  return masked != nullptr ? reduce_as<false, true>(gradient, output, input, center, masked, count)
                           : reduce_as<false, false>(gradient, output, input, center, masked, count);
}

template <bool relu, class E>
void differentiate_as(const E* HWY_RESTRICT gradient, const E* HWY_RESTRICT output,
                      const E* HWY_RESTRICT input, const PlaneSlope<ComputedType<E>>& slope,
                      E* HWY_RESTRICT out, std::size_t count) {
  using T = ComputedType<E>;
  const Tag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const Vector<T> of_gradient = hn::Set(d, slope.gradient), of_input = hn::Set(d, slope.input);
  const Vector<T> centers = hn::Set(d, slope.center), constant = hn::Set(d, slope.constant);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    Vector<T> value = load(gradient + i);
    if constexpr (relu) value = let_through<T>(value, load(output + i));
    const Vector<T> rest = hn::MulAdd(hn::Sub(load(input + i), centers), of_input, constant);
    store(hn::MulAdd(value, of_gradient, rest), out + i);
  }
  for (; i < count; ++i) {
    T value = widened(gradient[i]);
    if constexpr (relu) value = let_through(value, widened(output[i]));
    const T rest = (widened(input[i]) - slope.center) * slope.input + slope.constant;
    out[i] = stored<E>(value * slope.gradient + rest);
  }
}

template <class E>
void differentiate(const E* gradient, const E* output, const E* input,
                   const PlaneSlope<ComputedType<E>>& slope, E* out, std::size_t count) {
  output != nullptr ? differentiate_as<true>(gradient, output, input, slope, out, count)
                    : differentiate_as<false>(gradient, output, input, slope, out, count);
}

// For the maximum, a plane's rows are laid out once for each remainder of the column by the stride, with
// minus infinity on both sides, so that one tap of a row of windows is a row of neighbours.

/// Length of a laid-out row: room for windows that begin before or end behind the plane, and for whole
/// vectors.
template <class T>
std::size_t row_length(const PlanePool& pool) {
  return std::max(pool.width, pool.out_width) + 2 * pool.kernel + hn::Lanes(Tag<T>());
}

/// The laid-out rows, then one row each of the largest values and of their taps.
template <class T>
std::size_t pool_scratch(const PlanePool& pool) {
  return (pool.height * pool.stride + 2) * row_length<T>(pool);
}

template <class E>
void lay_out(const E* HWY_RESTRICT row, const PlaneLine<ComputedType<E>>& line, const PlanePool& pool,
             std::size_t length, ComputedType<E>* HWY_RESTRICT even) {
  using T = ComputedType<E>;
  const Tag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const Line<T> values(line);
  if (pool.stride == 1) return apply_as<false, false, E, T>(row, line, nullptr, even, pool.width);
  T* HWY_RESTRICT odd = even + length;
  std::size_t i = 0;
  for (; 2 * (i + lanes) <= pool.width; i += lanes) {
    Vector<T> first, second;
    load_pairs(row + 2 * i, first, second);
    hn::StoreU(values(first), d, even + i);
    hn::StoreU(values(second), d, odd + i);
  }
  for (std::size_t column = 2 * i; column < pool.width; ++column) {
    (column % 2 == 0 ? even : odd)[column / 2] = value_of(line, widened(row[column]));
  }
}

template <class E>
void pool(const E* HWY_RESTRICT input, const PlaneLine<ComputedType<E>>& line, const PlanePool& pool,
          ComputedType<E>* HWY_RESTRICT scratch, E* HWY_RESTRICT out, std::uint8_t* HWY_RESTRICT taps) {
  using T = ComputedType<E>;
  const Tag<T> d;
  const std::size_t lanes = hn::Lanes(d), length = row_length<T>(pool);
  const std::size_t margin = pool.kernel, row_step = pool.stride * length;
  for (std::size_t row = 0; row < pool.height; ++row) {
    lay_out(input + row * pool.width, line, pool, length, scratch + row * row_step + margin);
  }
  T* HWY_RESTRICT best_row = scratch + pool.height * row_step;
  T* HWY_RESTRICT tap_row = best_row + length;
  for (std::size_t y = 0; y < pool.out_height; ++y) {
    const std::size_t top = y * pool.stride;  // of the window, in a plane with its padding
    const std::size_t first = top < pool.padding ? pool.padding - top : 0;
    const std::size_t last = std::min(pool.kernel, pool.height + pool.padding - top);
    for (std::size_t x = 0; x < pool.out_width; x += lanes) {
      Vector<T> best = hn::Set(d, -std::numeric_limits<T>::infinity()), tap = hn::Zero(d);
      for (std::size_t row = first; row < last; ++row) {
        const T* HWY_RESTRICT rows = scratch + (top + row - pool.padding) * row_step;
        for (std::size_t column = 0; column < pool.kernel; ++column) {
          // A whole number of strides more keeps the division from rounding towards zero.
          const std::size_t place = column + margin * pool.stride - pool.padding;
          const Vector<T> value =
              hn::LoadU(d, rows + (place % pool.stride) * length + place / pool.stride + x);
          const auto larger = hn::Or(hn::Gt(value, best), hn::Not(hn::Eq(value, value)));
          best = hn::IfThenElse(larger, value, best);
          tap = hn::IfThenElse(larger, hn::Set(d, static_cast<T>(row * pool.kernel + column)), tap);
        }
      }
      hn::StoreU(positive_part<T>(best), d, best_row + x);
      hn::StoreU(tap, d, tap_row + x);
    }
    std::transform(best_row, best_row + pool.out_width, out + y * pool.out_width, stored<E>);
    for (std::size_t x = 0; x < pool.out_width; ++x) {
      taps[y * pool.out_width + x] = static_cast<std::uint8_t>(static_cast<int>(tap_row[x]));
    }
  }
}

template <class E>
constexpr PlaneKernels<E> kernels_of() {
  return {sum<E>, square_sum<E>, apply<E>, reduce<E>, differentiate<E>, pool_scratch<ComputedType<E>>,
          pool<E>};
}

const PlaneKernels<float>* float_kernels() {
  static constexpr PlaneKernels<float> kernels = kernels_of<float>();
  return &kernels;
}
const PlaneKernels<double>* double_kernels() {
  static constexpr PlaneKernels<double> kernels = kernels_of<double>();
  return &kernels;
}
const PlaneKernels<Bfloat16>* bfloat16_kernels() {
  static constexpr PlaneKernels<Bfloat16> kernels = kernels_of<Bfloat16>();
  return &kernels;
}

}  // namespace deepmoe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace deepmoe {

HWY_EXPORT(float_kernels);
HWY_EXPORT(double_kernels);
HWY_EXPORT(bfloat16_kernels);

template <>
const PlaneKernels<float>& plane_kernels<float>() {
  static const PlaneKernels<float>& kernels = *HWY_DYNAMIC_DISPATCH(float_kernels)();
  return kernels;
}
template <>
const PlaneKernels<double>& plane_kernels<double>() {
  static const PlaneKernels<double>& kernels = *HWY_DYNAMIC_DISPATCH(double_kernels)();
  return kernels;
}
template <>
const PlaneKernels<Bfloat16>& plane_kernels<Bfloat16>() {
  static const PlaneKernels<Bfloat16>& kernels = *HWY_DYNAMIC_DISPATCH(bfloat16_kernels)();
  return kernels;
}

}  // namespace deepmoe
#endif  // HWY_ONCE
