#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "engine/channel_lists.hpp"
#include "engine/geometry.hpp"
#include "engine/winograd_inputs.hpp"

namespace deepmoe {

/// The part of the outputs, and of the input channels, that a Winograd convolution computes at a time.
struct WinogradBlock {
  std::int32_t first = 0, last = 0;    ///< outputs
  std::int32_t index = 0, blocks = 1;  ///< of outputs
  std::int32_t chunk = 0, chunks = 1;  ///< of channels
};

/// The first channel of a chunk.
inline std::int32_t first_of_chunk(const Geometry& geometry, std::int32_t chunk, std::int32_t chunks) {
  return geometry.inputs * chunk / chunks;
}

/// The items that a Winograd convolution computes together, and where its blocks begin in their lists.
class TileItems {
 public:
  /// Transformed inputs are packed from `values` on.
  explicit TileItems(float* values) : values_(values) {}

  std::span<const TileItem> all() const { return items_; }
  bool empty() const { return items_.empty(); }
  std::size_t tiles() const { return tiles_; }

  void add(const TileItem& item, std::size_t floats);
  /// Whether an item of so many floats and tiles more stays within the limits; the first one always does.
  bool fits(std::size_t floats, std::size_t tiles, std::size_t floats_limit, std::size_t tiles_limit) const {
    return empty() || (used_ + floats <= floats_limit && tiles_ + tiles <= tiles_limit);
  }
  void clear();

  /// Finds where chunks of channels and blocks of `rows` outputs begin in the lists of each item. With
  /// `has_constants` one more channel, which is one, comes after the listed ones, in the last chunk.
  void find_places(std::span<const SampleInput> inputs, std::span<const SampleOutput> outputs,
                   const Geometry& geometry, bool has_constants, const WinogradBlock& block,
                   std::int32_t rows);
  /// The places [begin, end) of a block's channels, or outputs, in the lists of an item.
  std::pair<std::int32_t, std::int32_t> channels_of(std::size_t item, const WinogradBlock& block) const {
    const std::int32_t* places = channels_.data() + item * static_cast<std::size_t>(block.chunks + 1);
    return {places[block.chunk], places[block.chunk + 1]};
  }
  std::pair<std::int32_t, std::int32_t> outputs_of(std::size_t item, const WinogradBlock& block) const {
    const std::int32_t* places = outputs_.data() + item * static_cast<std::size_t>(block.blocks + 1);
    return {places[block.index], places[block.index + 1]};
  }

 private:
  float* values_;
  std::vector<TileItem> items_;
  std::vector<std::int32_t> channels_, outputs_;  // places, (item, chunk or block)
  std::size_t used_ = 0, tiles_ = 0;              // floats of values, tiles of all items
};

}  // namespace deepmoe
