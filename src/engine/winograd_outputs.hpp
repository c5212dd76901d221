#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/channel_lists.hpp"
#include "engine/geometry.hpp"
#include "engine/kernels.hpp"

namespace deepmoe {

/// The inverse transform of F(2x2, 3x3) and the finish, for the listed outputs of a sample.
class WinogradOutputs {
 public:
  WinogradOutputs(const Kernels& kernels, const Geometry& geometry)
      : kernels_(kernels), geometry_(geometry) {}

  /// Of the outputs at the places `from .. to - 1`, those groups of tiles, whose points lie packed in a row
  /// of `row_floats` each.
  void finish(const SampleOutput& output, std::span<const TileGroup> groups, std::int32_t from,
              std::int32_t to, bool relu, const float* points, std::size_t row_floats) const {
    for (std::int32_t k = from; k < to; ++k, points += row_floats) {
      const std::size_t plane =
          static_cast<std::size_t>(channel_at(output.channels, k)) * geometry_.out_plane();
      kernels_.finish_tiles(points, groups.data(), static_cast<int>(groups.size()),
                            {output.scales[k], output.offsets[k], relu},
                            output.residual != nullptr ? output.residual + plane : nullptr,
                            output.planes + plane, static_cast<std::size_t>(geometry_.out_width()));
    }
  }

  /// The same for planes that are a single tile each with zeros around it.
  void finish_single_tiles(const SampleOutput& output, std::int32_t from, std::int32_t to, bool relu,
                           const float* points, std::size_t row_floats) const {
    const bool listed = output.channels != nullptr;
    // Places that are channels are counted from the first one.
    const std::size_t skipped = listed ? 0 : static_cast<std::size_t>(from) * geometry_.out_plane();
    kernels_.finish_single_tiles(points, row_floats, listed ? output.channels + from : nullptr, to - from,
                                 output.scales + from, output.offsets + from, relu,
                                 output.residual != nullptr ? output.residual + skipped : nullptr,
                                 output.planes + skipped);
  }

 private:
  const Kernels& kernels_;
  Geometry geometry_;
};

}  // namespace deepmoe
