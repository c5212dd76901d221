#pragma once

#include <cstddef>
#include <cstdint>

#include "model/plane_kernels.hpp"

namespace deepmoe {

/// Channels that a kernel takes at once: in bf16 they fill a line of the cache.
constexpr std::size_t channels_at_once = 32;

/// A PlaneLine for each of the channels.
template <class T>
struct ChannelLines {
  T before[channels_at_once], scale[channels_at_once], shift[channels_at_once], behind[channels_at_once];
};

/// A PlaneSlope for each of the channels.
template <class T>
struct ChannelSlopes {
  T gradient[channels_at_once], input[channels_at_once], center[channels_at_once], constant[channels_at_once];
};

/// PlaneSums of each of the channels.
struct ChannelSums {
  double gradient[channels_at_once], product[channels_at_once];
};

/// The pixels of one sample with the channels of a pixel side by side: `count` pixels, of which each begins
/// `step` numbers after the one before.
struct PixelRange {
  std::size_t count, step;
};

/// What PlaneKernels does, for the same `channels_at_once` channels of every pixel of a sample. All pointers
/// are to the first of these channels in the first pixel, and `centers` has one number for each. Sums are as
/// good as exact, and depend on the instruction set alone.
template <class E>
struct ChannelKernels {
  using T = ComputedType<E>;
  void (*sum)(const E* input, PixelRange pixels, double* sums);
  /// Of (x - center)^2.
  void (*square_sum)(const E* input, const T* centers, PixelRange pixels, double* sums);
  /// out = the lines [+ residual] [and the positive part of it].
  void (*apply)(const E* input, const ChannelLines<T>& lines, const E* residual, bool relu, E* out,
                PixelRange pixels);
  /// Writes d into `masked` unless that is null.
  void (*reduce)(const E* gradient, const E* output, const E* input, const T* centers, E* masked,
                 PixelRange pixels, ChannelSums& sums);
  /// `out` may be `gradient`.
  void (*differentiate)(const E* gradient, const E* output, const E* input, const ChannelSlopes<T>& slopes,
                        E* out, PixelRange pixels);
  /// The positive part of the largest value of the lines in each window, and which tap (row * kernel +
  /// column) it was, the first of equals. Pixels of `input`, `out` and `taps` are `step` numbers apart.
  void (*pool)(const E* input, const ChannelLines<T>& lines, const PlanePool& pool, std::size_t step, E* out,
               std::uint8_t* taps);
  /// As reduce, where d is the sum of the gradients of the windows that chose a pixel. Writes d into
  /// `unpooled` unless that is null.
  void (*reduce_pool)(const E* gradient, const E* output, const std::uint8_t* taps, const PlanePool& pool,
                      const E* input, const T* centers, E* unpooled, std::size_t step, ChannelSums& sums);
};

template <class E>
const ChannelKernels<E>& channel_kernels();
template <>
const ChannelKernels<float>& channel_kernels<float>();
template <>
const ChannelKernels<double>& channel_kernels<double>();
template <>
const ChannelKernels<Bfloat16>& channel_kernels<Bfloat16>();

}  // namespace deepmoe
