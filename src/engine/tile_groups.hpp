#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/geometry.hpp"
#include "engine/kernels.hpp"

namespace deepmoe {

/// The tiles of 2 x 2 output pixels that cover a plane, row by row, and the padded input plane they read.
struct TileGrid {
  explicit TileGrid(const Geometry& geometry);

  std::int32_t columns = 0, tiles = 0;
  std::size_t stride = 0, plane = 0;  ///< floats of a row and of all rows of the padded input plane
  std::vector<std::int32_t> corners;  ///< where each tile's 4 x 4 inputs start in it
  std::vector<TileGroup> groups;
};

}  // namespace deepmoe
