#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/geometry.hpp"
#include "engine/kernels.hpp"
#include "engine/packed_kernels.hpp"
#include "engine/tile_items.hpp"

namespace deepmoe {

/// What some samples use of a convolution's kernels: ascending channels, the one of constants included, and
/// outputs.
struct KernelUses {
  std::vector<std::int32_t> channels, outputs;
};

/// The channels `first .. last - 1` of kernels.
struct KernelChannels {
  std::int32_t first, last;
};

/// The kernels of a 3x3 convolution as they are, 9 numbers each, transformed for F(2x2, 3x3) where they are
/// used: those of a block at a time, which all samples then read in the cache. They take 9 / 16 of the
/// memory, and of the way from there, for a few more instructions.
template <class Weight>
class LateWinogradWeights {
 public:
  using Number = float;
  static constexpr bool are_late = true;

  LateWinogradWeights(const Kernels& kernels, std::shared_ptr<const PackedKernels<Weight>> weights)
      : kernels_(kernels), lanes_(static_cast<std::size_t>(kernels.lanes)), weights_(std::move(weights)) {}

  /// The same as WinogradWeights'.
  static bool is_single_tile() { return false; }
  std::size_t parts() const { return tile_points / lanes_; }
  std::size_t channels() const { return weights_->channels(); }
  std::size_t stored_bytes() const { return weights_->bytes(); }
  std::size_t bytes() const { return weights_->outputs() * channels() * kernel_bytes(); }
  static std::size_t kernel_bytes() { return tile_points * sizeof(float); }
  std::size_t step() const { return lanes_; }

  KernelUses uses_of(std::span<const TileItem> items, std::span<const SampleInput> inputs,
                     std::span<const SampleOutput> outputs) const;

  using Channels = KernelChannels;
  /// Transforms the kernels of a block's outputs for these channels, as far as they are used, to `memory`,
  /// which takes, for each output and part, whole lines for the channels and one line more.
  void transform(const KernelUses& uses, const WinogradBlock& block, Channels channels, float* memory) const;
  /// Where the rows of a block lie in `memory`: channel i of a row at `i * step()`. Channels below the
  /// block's would be in front of `memory`, which has to have room for them there.
  class Rows {
   public:
    const float* operator()(std::size_t part, std::int32_t output) const {
      return from_ + part * part_floats_ + static_cast<std::size_t>(output - first_) * row_floats_;
    }

   private:
    friend LateWinogradWeights;
    const float* from_;
    std::size_t part_floats_, row_floats_;
    std::int32_t first_;
  };
  Rows rows(const WinogradBlock& block, Channels channels, const float* memory) const {
    Rows rows;
    rows.from_ = memory - static_cast<std::size_t>(channels.first) * lanes_;
    rows.row_floats_ = row_floats(channels);
    rows.part_floats_ = static_cast<std::size_t>(block.last - block.first) * rows.row_floats_;
    rows.first_ = block.first;
    return rows;
  }

 private:
  /// A line more than a row needs, so that the rows of a product do not fall on the same cache set.
  std::size_t row_floats(Channels channels) const {
    return whole_lines(static_cast<std::size_t>(channels.last - channels.first) * lanes_) + floats_of_line;
  }

  const Kernels& kernels_;
  std::size_t lanes_;
  std::shared_ptr<const PackedKernels<Weight>> weights_;
};

}  // namespace deepmoe
