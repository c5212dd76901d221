#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace deepmoe {

/// The upper half of a float, in memory only: what is computed with it is computed in float.
struct Bfloat16 {
  std::uint16_t bits;
};

template <class T>
struct Computed {
  using Type = T;
};
template <>
struct Computed<Bfloat16> {
  using Type = float;
};
/// The type in which numbers that are stored as T are computed with.
template <class T>
using ComputedType = typename Computed<T>::Type;

inline float widened(float value) { return value; }
inline double widened(double value) { return value; }
inline float widened(Bfloat16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16U);
}

/// `value` as it is stored, rounded to the nearest (ties to even). NaN stays NaN.
template <class T>
T stored(ComputedType<T> value) {
  if constexpr (std::is_same_v<T, Bfloat16>) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if (value != value) return {0x7FC0};
    return {static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U)};
  } else {
    return value;
  }
}

/// Two sums over a plane.
struct PlaneSums {
  double gradient = 0.0;  ///< of d
  double product = 0.0;   ///< of d (x - center)
};

/// What gate and norm make of a plane: ((x before) scale + shift) behind, rounded after each step as the
/// operations one by one would.
template <class T>
struct PlaneLine {
  T before, scale, shift, behind;
};

/// The slope a d + b (x - center) + c of a plane.
template <class T>
struct PlaneSlope {
  T gradient, input, center, constant;
};

/// A square maximum over a plane. Strides 1 and 2 only, kernels up to 15.
struct PlanePool {
  std::size_t height, width, out_height, out_width;
  std::size_t kernel, stride, padding;
  std::size_t pixels() const { return height * width; }
  std::size_t out_pixels() const { return out_height * out_width; }
};

/// Loops over one plane of numbers that lie side by side, in the best instruction set of the machine. Sums
/// are formed in double over short stretches, so that they are as good as exact; they depend on the
/// instruction set, and on nothing else. Wherever `output` is given, d is the gradient where output is
/// positive, and 0 elsewhere. Numbers are stored as E: float, double or Bfloat16.
template <class E>
struct PlaneKernels {
  using T = ComputedType<E>;
  double (*sum)(const E* input, std::size_t count);
  /// Of (x - center)^2.
  double (*square_sum)(const E* input, T center, std::size_t count);
  /// out = the line [+ residual] [and the positive part of it].
  void (*apply)(const E* input, const PlaneLine<T>& line, const E* residual, bool relu, E* out,
                std::size_t count);
  /// Writes d into `masked` unless that is null.
  PlaneSums (*reduce)(const E* gradient, const E* output, const E* input, T center, E* masked,
                      std::size_t count);
  void (*differentiate)(const E* gradient, const E* output, const E* input, const PlaneSlope<T>& slope,
                        E* out, std::size_t count);
  /// How many numbers `pool` needs besides; they must be minus infinity before the first call, and may then
  /// serve any number of planes of the same kind.
  std::size_t (*pool_scratch)(const PlanePool& pool);
  /// The positive part of the largest value of the line in each window, and which tap (row * kernel + column)
  /// it was, the first of equals.
  void (*pool)(const E* input, const PlaneLine<T>& line, const PlanePool& pool, T* scratch, E* out,
               std::uint8_t* taps);
};

template <class E>
const PlaneKernels<E>& plane_kernels();
template <>
const PlaneKernels<float>& plane_kernels<float>();
template <>
const PlaneKernels<double>& plane_kernels<double>();
template <>
const PlaneKernels<Bfloat16>& plane_kernels<Bfloat16>();

}  // namespace deepmoe
