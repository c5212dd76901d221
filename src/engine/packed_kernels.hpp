#pragma once

#include <cstddef>

#include "engine/aligned_buffer.hpp"
#include "engine/geometry.hpp"

namespace deepmoe {

/// A convolution's kernels in their usual order, (output, channel, tap), without the taps that never meet the
/// input: leaving out a channel, read or written, is leaving out its numbers.
template <class Weight>
class PackedKernels {
 public:
  /// `weight` is (outputs, inputs, kernel, kernel). With `constants`, `inputs` numbers, there is one more
  /// channel, whose kernel is the sum of all kernels times their constants.
  PackedKernels(const Geometry& geometry, const float* weight, const float* constants);

  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return outputs_; }
  /// Inputs, and one more with constants.
  std::size_t channels() const { return channels_; }
  std::size_t bytes() const { return numbers_.bytes(); }
  /// The kernels of one output. A line behind the last one can be read.
  const Weight* row(std::size_t output) const { return numbers_.data() + output * row_numbers_; }

 private:
  std::size_t inputs_, outputs_, channels_, row_numbers_ = 0;
  AlignedArray<Weight> numbers_;
};

}  // namespace deepmoe
