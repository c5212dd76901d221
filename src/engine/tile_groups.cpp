#include "engine/tile_groups.hpp"

#include <algorithm>

namespace deepmoe {
namespace {

TileGroup group_at(const Geometry& geometry, const TileGrid& grid, std::int32_t first) {
  TileGroup group;
  group.first_tile = first;
  group.tiles = std::min(product_columns, grid.tiles - first);
  for (std::int32_t tile = 0; tile < group.tiles;) {
    TileSegment& segment = group.segments[static_cast<std::size_t>(group.segment_count++)];
    const std::int32_t column = (first + tile) % grid.columns;
    segment.first = tile;
    segment.count = std::min(group.tiles - tile, grid.columns - column);
    segment.row = (first + tile) / grid.columns * 2;
    segment.column = column * 2;
    segment.height = std::min(2, geometry.out_height() - segment.row);
    segment.width = std::min(2 * segment.count, geometry.out_width() - segment.column);
    tile += segment.count;
  }
  return group;
}

}  // namespace

TileGrid::TileGrid(const Geometry& geometry)
    : columns((geometry.out_width() + 1) / 2),
      tiles(columns * ((geometry.out_height() + 1) / 2)),
      stride(static_cast<std::size_t>(2 * columns + 2)),
      plane(stride * static_cast<std::size_t>(2 * (tiles / columns) + 2)) {
  for (std::int32_t tile = 0; tile < tiles; ++tile) {
    corners.push_back(tile / columns * 2 * static_cast<std::int32_t>(stride) + tile % columns * 2);
  }
  for (std::int32_t tile = 0; tile < tiles; tile += product_columns)
    groups.push_back(group_at(geometry, *this, tile));
}

}  // namespace deepmoe
