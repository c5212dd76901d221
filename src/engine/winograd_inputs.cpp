#include "engine/winograd_inputs.hpp"

#include <algorithm>
#include <cstring>

#include "engine/aligned_buffer.hpp"

namespace deepmoe {
namespace {

/// Numbers behind a row that a transform may read and that have no influence.
constexpr std::size_t read_beyond = 4;

}  // namespace

WinogradInputs::WinogradInputs(const Kernels& kernels, const Geometry& geometry, const TileGrid& grid,
                               std::span<const float> constants)
    : kernels_(kernels), geometry_(geometry), grid_(grid), constants_(constants.begin(), constants.end()) {}

std::size_t WinogradInputs::plane_floats() const { return whole_lines(grid_.plane + read_beyond); }

void WinogradInputs::transform(const SampleInput& input, const TileItem& item, std::int32_t s,
                               std::int32_t first, std::int32_t last, float* plane) const {
  if (first >= last) return;
  const TileGroup& begin = grid_.groups[static_cast<std::size_t>(item.first_group)];
  const TileGroup& end = grid_.groups[static_cast<std::size_t>(item.first_group + item.groups - 1)];
  const std::int32_t top = begin.first_tile / grid_.columns * 2;
  const std::int32_t bottom = (end.first_tile + end.tiles - 1) / grid_.columns * 2 + 4;
  std::memset(plane + static_cast<std::size_t>(top) * grid_.stride, 0,
              (static_cast<std::size_t>(bottom - top) * grid_.stride + read_beyond) * sizeof(float));
  const std::int32_t from = std::max(top, geometry_.padding);
  const std::int32_t to = std::min(bottom, geometry_.padding + geometry_.height);
  const Rows rows{from, static_cast<std::size_t>(std::max(0, to - from))};

  // Only the last group of a plane may have fewer tiles, or tiles of other samples beside them.
  const auto lanes = static_cast<std::size_t>(kernels_.lanes);
  const auto whole = static_cast<std::size_t>(item.samples > 1 ? 0 : item.tiles / product_columns);
  const std::size_t left = static_cast<std::size_t>(item.tiles) - whole * product_columns;
  const std::size_t channels = channels_of(input), of_group = group_floats(channels);
  const std::size_t width = product_columns * lanes, last_width = left * lanes;
  const std::int32_t* corners = grid_.corners.data() + begin.first_tile;
  float* last_group = item.values + whole * of_group + static_cast<std::size_t>(s * grid_.tiles) * lanes;
  for (std::int32_t i = first; i < last; ++i) {
    fill(input, i, rows, plane);
    const auto place = static_cast<std::size_t>(i);
    if (whole > 0)
      kernels_.transform_tiles(plane, grid_.stride, corners, static_cast<int>(whole), product_columns,
                               item.values + place * width, channels * width, of_group);
    if (left > 0)
      kernels_.transform_tiles(plane, grid_.stride, corners + whole * product_columns, 1, end.tiles,
                               last_group + place * last_width, channels * last_width, 0);
  }
}

void WinogradInputs::transform_single_tiles(const SampleInput& input, const TileItem& item, std::int32_t s,
                                            std::int32_t first, std::int32_t last) const {
  const auto lanes = static_cast<std::size_t>(kernels_.lanes);
  const std::size_t width = static_cast<std::size_t>(item.tiles) * lanes;
  const std::size_t part = channels_of(input) * width;
  const auto at = [&](std::int32_t place) {
    return item.values + static_cast<std::size_t>(place) * width + static_cast<std::size_t>(s) * lanes;
  };
  const std::int32_t listed = std::min(last, input.count);
  const float* constants = constants_.empty() ? nullptr : constants_.data();
  const float* scales = input.scales != nullptr ? input.scales + first : nullptr;
  if (input.channels != nullptr) {
    kernels_.transform_single_tiles(input.planes, input.channels + first, scales, constants, listed - first,
                                    at(first), width, part);
  } else {
    // Channels that are not listed are counted from the first one.
    const auto skipped = static_cast<std::size_t>(first);
    kernels_.transform_single_tiles(input.planes + skipped * geometry_.in_plane(), nullptr, scales,
                                    constants != nullptr ? constants + skipped : nullptr, listed - first,
                                    at(first), width, part);
  }
  if (last > input.count) {
    const float one[4] = {1, 1, 1, 1};
    kernels_.transform_single_tiles(one, nullptr, nullptr, nullptr, 1, at(input.count), width, part);
  }
}

void WinogradInputs::fill(const SampleInput& input, std::int32_t i, const Rows& rows, float* plane) const {
  const auto width = static_cast<std::size_t>(geometry_.width);
  const std::size_t columns = std::min(width, grid_.stride - static_cast<std::size_t>(geometry_.padding));
  float* inside = plane + static_cast<std::size_t>(rows.from) * grid_.stride + geometry_.padding;
  if (i == input.count) {
    for (std::size_t y = 0; y < rows.count; ++y) std::fill_n(inside + y * grid_.stride, columns, 1.0F);
    return;
  }
  const auto channel = static_cast<std::size_t>(channel_at(input.channels, i));
  const std::size_t skipped = static_cast<std::size_t>(rows.from - geometry_.padding) * width;
  kernels_.copy_rows(input.planes + channel * geometry_.in_plane() + skipped, width, rows.count, columns,
                     constants_.empty() ? 0.0F : constants_[channel],
                     input.scales != nullptr ? input.scales[i] : 1.0F, inside, grid_.stride);
}

}  // namespace deepmoe
