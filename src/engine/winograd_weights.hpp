#pragma once

#include <cstddef>
#include <vector>

#include "engine/aligned_buffer.hpp"
#include "engine/geometry.hpp"

namespace deepmoe {

/// The kernels of a 3x3 convolution transformed for F(2x2, 3x3): (part of a tile, output, input, lanes). A
/// tile's 16 points fill whole vectors, the parts, so that one kernel is 16 numbers and leaving out a channel
/// leaves out no other.
template <class Weight>
class WinogradWeights {
 public:
  /// `weight` is (outputs, inputs, 3, 3). With `constants`, `inputs` numbers, there is one more channel,
  /// whose kernel is the sum of all kernels times their constants.
  WinogradWeights(const Geometry& geometry, std::size_t lanes, const float* weight, const float* constants);

  std::size_t channels() const { return channels_; }
  std::size_t bytes() const { return buffer_.bytes(); }
  /// Bytes that one output's kernel takes for one channel, all parts.
  static constexpr std::size_t kernel_bytes = 16 * sizeof(Weight);

  /// One part of an output's kernels: channel i at `i * lanes`.
  const Weight* row(std::size_t part, std::size_t output) const {
    return buffer_.data() + (part * outputs_ + output) * row_numbers_;
  }

 private:
  void pack(const float* kernel, std::size_t output, std::size_t channel);

  std::size_t lanes_, outputs_, channels_, row_numbers_;
  AlignedArray<Weight> buffer_;
};

}  // namespace deepmoe
