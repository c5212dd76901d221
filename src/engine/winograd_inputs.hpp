#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/channel_lists.hpp"
#include "engine/geometry.hpp"
#include "engine/kernels.hpp"
#include "engine/tile_groups.hpp"

namespace deepmoe {

/// Groups of tiles of one sample, or one group made of several samples' tiles.
struct TileItem {
  std::int32_t sample = 0, samples = 1;
  std::int32_t first_group = 0, groups = 1;
  std::int32_t tiles = 0;   ///< of all groups and samples
  float* values = nullptr;  ///< transformed inputs, packed (group, part of a tile, channel, tile, lanes)
};

/// The input transform of F(2x2, 3x3) for the listed channels of a sample.
class WinogradInputs {
 public:
  /// With `constants`, one a channel or none, channels are read less their constant, and one channel more,
  /// which is one inside the image, comes after the listed ones. `grid` has to outlive this.
  WinogradInputs(const Kernels& kernels, const Geometry& geometry, const TileGrid& grid,
                 std::span<const float> constants);

  /// Channels that an input has after the transform.
  std::size_t channels_of(const SampleInput& input) const {
    return static_cast<std::size_t>(input.count) + (constants_.empty() ? 0 : 1);
  }
  /// Floats of a whole group's values.
  static std::size_t group_floats(std::size_t channels) { return channels * product_columns * tile_points; }
  /// Floats of `plane` in transform.
  std::size_t plane_floats() const;

  /// Transforms the channels at the places `first .. last - 1` of the list of an item's sample `s`, whose
  /// input this is.
  void transform(const SampleInput& input, const TileItem& item, std::int32_t s, std::int32_t first,
                 std::int32_t last, float* plane) const;
  /// The same for planes that are a single tile each with zeros around it.
  void transform_single_tiles(const SampleInput& input, const TileItem& item, std::int32_t s,
                              std::int32_t first, std::int32_t last) const;

 private:
  /// The rows of the padded plane that an item reads and that the image fills.
  struct Rows {
    std::int32_t from = 0;
    std::size_t count = 0;
  };
  void fill(const SampleInput& input, std::int32_t i, const Rows& rows, float* plane) const;

  const Kernels& kernels_;
  Geometry geometry_;
  const TileGrid& grid_;
  std::vector<float> constants_;
};

}  // namespace deepmoe
