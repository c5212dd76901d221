#pragma once

#include <cstddef>
#include <cstdint>

namespace deepmoe {

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
/// positive, and 0 elsewhere.
template <class T>
struct PlaneKernels {
  double (*sum)(const T* input, std::size_t count);
  /// Of (x - center)^2.
  double (*square_sum)(const T* input, T center, std::size_t count);
  /// out = the line [+ residual] [and the positive part of it].
  void (*apply)(const T* input, const PlaneLine<T>& line, const T* residual, bool relu, T* out,
                std::size_t count);
  /// Writes d into `masked` unless that is null.
  PlaneSums (*reduce)(const T* gradient, const T* output, const T* input, T center, T* masked,
                      std::size_t count);
  void (*differentiate)(const T* gradient, const T* output, const T* input, const PlaneSlope<T>& slope,
                        T* out, std::size_t count);
  /// How many numbers `pool` needs besides; they must be minus infinity before the first call, and may then
  /// serve any number of planes of the same kind.
  std::size_t (*pool_scratch)(const PlanePool& pool);
  /// The positive part of the largest value of the line in each window, and which tap (row * kernel + column)
  /// it was, the first of equals.
  void (*pool)(const T* input, const PlaneLine<T>& line, const PlanePool& pool, T* scratch, T* out,
               std::uint8_t* taps);
};

template <class T>
const PlaneKernels<T>& plane_kernels();
template <>
const PlaneKernels<float>& plane_kernels<float>();
template <>
const PlaneKernels<double>& plane_kernels<double>();

}  // namespace deepmoe
