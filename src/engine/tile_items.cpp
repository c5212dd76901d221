#include "engine/tile_items.hpp"

#include <algorithm>

namespace deepmoe {

void TileItems::add(const TileItem& item, std::size_t floats) {
  items_.push_back(item);
  items_.back().values = values_ + used_;
  used_ += floats;
  tiles_ += static_cast<std::size_t>(item.tiles);
}

void TileItems::clear() {
  items_.clear();
  used_ = tiles_ = 0;
}

void TileItems::find_places(std::span<const SampleInput> inputs, std::span<const SampleOutput> outputs,
                            const Geometry& geometry, bool has_constants, const WinogradBlock& block,
                            std::int32_t rows) {
  const auto chunks = static_cast<std::size_t>(block.chunks + 1),
             blocks = static_cast<std::size_t>(block.blocks + 1);
  channels_.resize(items_.size() * chunks);
  outputs_.resize(items_.size() * blocks);
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const SampleInput& input = inputs[static_cast<std::size_t>(items_[i].sample)];
    const SampleOutput& output = outputs[static_cast<std::size_t>(items_[i].sample)];
    std::int32_t* places = channels_.data() + i * chunks;
    deepmoe::find_places(
        input.channels, input.count, block.chunks,
        [&](std::int32_t chunk) { return first_of_chunk(geometry, chunk, block.chunks); }, places);
    places[block.chunks] = input.count + (has_constants ? 1 : 0);
    deepmoe::find_places(
        output.channels, output.count, block.blocks + 1,
        [&](std::int32_t index) { return std::min(index * rows, geometry.outputs); },
        outputs_.data() + i * blocks);
  }
}

}  // namespace deepmoe
