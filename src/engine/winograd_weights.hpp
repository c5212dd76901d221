#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aligned_buffer.hpp"
#include "engine/geometry.hpp"
#include "engine/kernels.hpp"

namespace deepmoe {

/// The kernels of a 3x3 convolution transformed for F(2x2, 3x3): (part of a tile, output, input, lanes). A
/// tile's 16 points fill whole vectors, the parts, so that one kernel is 16 numbers and leaving out a channel
/// leaves out no other.
///
/// Where a plane is a single tile whose border is padding, 9 points do: (output, input, 9). A vector reads
/// some of the next kernel's numbers, too, for which no input has a number.
template <class Weight>
class WinogradWeights {
 public:
  using Number = Weight;
  static constexpr bool are_late = false;

  /// `weight` is (outputs, inputs, 3, 3). With `constants`, `inputs` numbers, there is one more channel,
  /// whose kernel is the sum of all kernels times their constants.
  WinogradWeights(const Geometry& geometry, std::size_t lanes, const float* weight, const float* constants);

  /// Whether this is a plane of one tile, as above.
  bool is_single_tile() const { return points_ == single_tile_points; }
  std::size_t parts() const { return (points_ + lanes_ - 1) / lanes_; }
  std::size_t channels() const { return channels_; }
  std::size_t stored_bytes() const { return buffer_.bytes(); }
  /// Bytes of all kernels as products read them.
  std::size_t bytes() const { return buffer_.bytes(); }
  /// Bytes that one output's kernel takes for one channel, all parts.
  std::size_t kernel_bytes() const { return points_ * sizeof(Weight); }

  /// One part of an output's kernels: channel i at `i * step()`.
  const Weight* row(std::size_t part, std::size_t output) const {
    return buffer_.data() + part * part_numbers_ + output * row_numbers_;
  }
  struct Rows {
    const WinogradWeights& weights;
    const Weight* operator()(std::size_t part, std::int32_t output) const {
      return weights.row(part, static_cast<std::size_t>(output));
    }
  };
  std::size_t step() const { return step_; }

  /// Reads the kernels of the outputs `first .. last - 1` for the channels `from .. to - 1` in order. Samples
  /// with other channels each read them here and there, which no processor foresees: those that few samples
  /// use would be as many misses.
  void read_ahead(std::int32_t first, std::int32_t last, std::int32_t from, std::int32_t to) const;

 private:
  void pack(const float* kernel, std::size_t output, std::size_t channel);

  std::size_t lanes_, outputs_, channels_, points_, step_, row_numbers_, part_numbers_;
  AlignedArray<Weight> buffer_;
};

}  // namespace deepmoe
