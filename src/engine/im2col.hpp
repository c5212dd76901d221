#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/channel_lists.hpp"
#include "engine/geometry.hpp"
#include "engine/kernels.hpp"

namespace deepmoe {

/// Lays out a convolution's inputs so that, for each tap of the kernel, the inputs of consecutive output
/// pixels follow each other (im2col): values are packed (block of pixels, channel, tap, pixel).
class Im2col {
 public:
  /// A tap's place in the kernel.
  struct Tap {
    std::int32_t row, column;
  };

  /// Pixels of one row of output that lie within one block.
  struct Stretch {
    std::size_t from;          ///< where the first tap reads them, in the phases or in a plane that is flat
    std::size_t count;         ///< pixels
    std::size_t block, place;  ///< where they start in the values of one channel and tap of their block
    std::size_t width;         ///< floats of one channel and tap of that block
  };

  /// Rows of output pixels whose laid-out inputs stay in the cache.
  struct Piece {
    std::int32_t first_pixel = 0, pixels = 0;
    std::int32_t first_row = 0, rows = 0;
    std::vector<Stretch> stretches;
  };

  /// With `constants`, one a channel or none, channels are laid out less their constant, and one channel
  /// more, which is one inside the image, is laid out after the listed ones.
  Im2col(const Kernels& kernels, const Geometry& geometry, std::span<const float> constants);

  /// The taps that meet the input anywhere, in order.
  static std::vector<Tap> useful_taps(const Geometry& geometry);
  const std::vector<Tap>& taps() const { return taps_; }
  const std::vector<Piece>& pieces() const { return pieces_; }
  /// Channels that are laid out when every one is listed.
  std::size_t most_channels() const;
  /// Channels that are laid out of an input.
  std::int32_t channels_of(const SampleInput& input) const {
    return input.count + (constants_.empty() ? 0 : 1);
  }

  std::size_t block_pixels() const { return product_columns * lanes_; }
  /// Vectors in a block of a piece: the last one may be narrower.
  std::size_t vectors_of(const Piece& piece, std::size_t block) const;

  /// Floats that `values` and `phases` of lay_out take.
  std::size_t values_floats() const;
  std::size_t phases_floats() const;

  /// Lays out the channels at the places `first .. last - 1` of an input's list.
  void lay_out(const SampleInput& input, const Piece& piece, std::int32_t first, std::int32_t last,
               float* phases, float* values) const;

 private:
  void plan_pieces();
  void add_stretches(Piece& piece) const;
  std::size_t phase_floats() const;
  void fill_phases(const float* plane, const Piece& piece, float shift, float scale, float* phases) const;

  const Kernels& kernels_;
  Geometry geometry_;
  std::vector<float> constants_;
  std::size_t lanes_;
  std::vector<Tap> taps_;
  std::vector<std::size_t> tap_offsets_;  // in the phases
  bool flat_ = false;                     // a plane is one long row, read where it is
  std::size_t row_step_ = 1;              // rows of a phase from one row of output to the next
  std::size_t input_step_ = 1;            // rows of the input from one row of a phase to the next
  std::size_t phase_stride_ = 0, most_pixels_ = 0;
  std::int32_t most_rows_ = 0;
  std::int32_t height_ = 0, width_ = 0;  // output pixels as rows
  std::vector<Piece> pieces_;
};

}  // namespace deepmoe
