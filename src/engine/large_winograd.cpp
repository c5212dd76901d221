// 3x3 convolutions of stride 1 on large planes by Winograd's F(4x4, 3x3): 36 products for 16 pixels instead
// of 144 (Lavin and Gray, CVPR 2016, section 4.3). A vector holds the same point of several tiles, and one
// number of a transformed kernel serves it; leaving out a channel, read or written, is leaving out its
// numbers. Kernels take four times their memory, which only layers with few channels and many pixels have to
// spare.

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "engine/aligned_buffer.hpp"
#include "engine/cache.hpp"
#include "engine/convolution_kernel.hpp"

namespace deepmoe {
namespace {

/// G g G^T.
void transform_kernel(const double* kernel, double* points) {
  constexpr double g[6][3] = {{1.0 / 4, 0, 0},
                              {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                              {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                              {1.0 / 24, 1.0 / 12, 1.0 / 6},
                              {1.0 / 24, -1.0 / 12, 1.0 / 6},
                              {0, 0, 1}};
  double rows[6][3];
  for (int p = 0; p < 6; ++p) {
    for (int c = 0; c < 3; ++c)
      rows[p][c] = g[p][0] * kernel[c] + g[p][1] * kernel[3 + c] + g[p][2] * kernel[6 + c];
  }
  for (int p = 0; p < 6; ++p) {
    for (int q = 0; q < 6; ++q)
      points[6 * p + q] = g[q][0] * rows[p][0] + g[q][1] * rows[p][1] + g[q][2] * rows[p][2];
  }
}

class LargeWinogradConvolution : public ConvolutionKernel {
 public:
  LargeWinogradConvolution(const Kernels& kernels, const Geometry& geometry, const float* weight,
                           const float* constants)
      : kernels_(kernels),
        geometry_(geometry),
        lanes_(static_cast<std::size_t>(kernels.lanes)),
        columns_((geometry.out_width() + 3) / 4),
        stride_(static_cast<std::size_t>(4 * columns_ + 4)),
        channels_(static_cast<std::size_t>(geometry.inputs) + (constants != nullptr ? 1 : 0)) {
    if (constants != nullptr) constants_.assign(constants, constants + geometry.inputs);
    pack(weight);
    plan_pieces();
  }

  std::string name() const override { return "large winograd"; }
  std::size_t weight_bytes() const override { return weights_.bytes(); }

  std::size_t scratch_floats(std::int32_t samples, int threads) const override {
    return offsets_floats(static_cast<std::size_t>(samples)) + values_floats() +
           static_cast<std::size_t>(threads) * member_floats();
  }

  void run(std::span<const SampleInput> inputs, std::span<const SampleOutput> outputs, bool relu,
           float* scratch, const Team& team) const override {
    Call call{inputs, outputs, relu, team, reinterpret_cast<std::int32_t*>(scratch), nullptr, nullptr};
    call.values = scratch + offsets_floats(inputs.size());
    call.members = call.values + values_floats();
    for (std::size_t sample = 0; sample < inputs.size(); ++sample) {
      std::int32_t* offsets = call.offsets + sample * channels_;
      for (std::int32_t i = 0; i < inputs[sample].count; ++i)
        offsets[i] = channel_at(inputs[sample].channels, i);
      if (!constants_.empty()) offsets[inputs[sample].count] = geometry_.inputs;
    }
    const auto pieces = static_cast<std::int32_t>(pieces_.size());
    const auto samples = static_cast<std::int32_t>(inputs.size());
    if (team.size() == 1 || samples * pieces >= 2 * team.size()) {
      team.for_each(samples * pieces, [&](std::int32_t task) {
        float* values = team.size() == 1 ? call.values : member(call) + plane_floats() + sums_floats();
        const std::int32_t sample = task / pieces;
        const LargeTiles& piece = pieces_[static_cast<std::size_t>(task % pieces)];
        transform(call, sample, piece, 0, channels_of(call, sample), values);
        multiply(call, sample, piece, 0, geometry_.outputs, values);
      });
      return;
    }
    for (std::int32_t sample = 0; sample < samples; ++sample) {
      for (const LargeTiles& piece : pieces_) {
        team.share(channels_of(call, sample), 1, [&](std::int32_t first, std::int32_t last) {
          transform(call, sample, piece, first, last, call.values);
        });
        team.share(geometry_.outputs, product_rows_limit, [&](std::int32_t first, std::int32_t last) {
          multiply(call, sample, piece, first, last, call.values);
        });
      }
    }
  }

 private:
  struct Call {
    std::span<const SampleInput> inputs;
    std::span<const SampleOutput> outputs;
    bool relu;
    const Team& team;
    std::int32_t* offsets;
    float* values;  // of one piece: (point, channel, tile)
    float* members;
  };

  std::int32_t channels_of(const Call& call, std::int32_t sample) const {
    return call.inputs[static_cast<std::size_t>(sample)].count + (constants_.empty() ? 0 : 1);
  }
  /// Vectors that hold a piece's tiles.
  std::size_t vectors_of(const LargeTiles& piece) const {
    return (static_cast<std::size_t>(piece.count) + lanes_ - 1) / lanes_;
  }
  std::size_t offsets_floats(std::size_t samples) const { return whole_lines(samples * channels_); }
  /// One line more than a point needs, so that the points of a tile do not fall on the same cache set.
  static std::size_t point_floats_of(std::int32_t channels, std::size_t width) {
    return static_cast<std::size_t>(channels) * width + floats_of_line;
  }
  std::size_t values_floats() const {
    return large_tile_points * (channels_ * most_vectors_ * lanes_ + floats_of_line);
  }
  std::size_t plane_floats() const {
    return whole_lines((4 * most_rows_ + 2) * stride_ + std::size_t{product_columns} * tile_points);
  }
  std::size_t sums_floats() const {
    return std::size_t{large_tile_points} * product_rows_limit * product_columns * lanes_;
  }
  std::size_t member_floats() const { return plane_floats() + sums_floats() + values_floats(); }
  float* member(const Call& call) const { return call.members + call.team.member() * member_floats(); }

  void pack(const float* weight) {
    const auto inputs = static_cast<std::size_t>(geometry_.inputs);
    const auto outputs = static_cast<std::size_t>(geometry_.outputs);
    // One line more than a row needs, so that the rows of a product do not fall on the same cache set.
    row_floats_ = whole_lines(channels_) + floats_of_line;
    weights_ = AlignedBuffer(large_tile_points * outputs * row_floats_);
    std::memset(weights_.data(), 0, weights_.bytes());
    for (std::size_t output = 0; output < outputs; ++output) {
      std::array<double, 9> sums{};
      for (std::size_t input = 0; input < inputs; ++input) {
        std::array<double, 9> kernel;
        std::copy_n(weight + (output * inputs + input) * 9, 9, kernel.begin());
        pack_one(kernel, output, input);
        if (constants_.empty()) continue;
        for (std::size_t tap = 0; tap < 9; ++tap) sums[tap] += double{constants_[input]} * kernel[tap];
      }
      if (!constants_.empty()) pack_one(sums, output, inputs);
    }
  }

  void pack_one(const std::array<double, 9>& kernel, std::size_t output, std::size_t channel) {
    std::array<double, large_tile_points> points;
    transform_kernel(kernel.data(), points.data());
    for (std::size_t point = 0; point < large_tile_points; ++point) {
      weights_.data()[(output * large_tile_points + point) * row_floats_ + channel] =
          static_cast<float>(points[point]);
    }
  }

  /// Rows of tiles that fill few vectors well and whose transformed inputs stay in the second cache.
  void plan_pieces() {
    const std::int32_t rows = (geometry_.out_height() + 3) / 4;
    const std::size_t of_vector = large_tile_points * channels_ * lanes_ * sizeof(float);
    const std::size_t vectors =
        std::clamp<std::size_t>(second_cache_bytes() * 5 / 8 / of_vector, 1, product_columns);
    const std::int32_t most = std::max(1, static_cast<std::int32_t>(vectors * lanes_) / columns_);
    const std::int32_t pieces = (rows + most - 1) / most;
    for (std::int32_t piece = 0; piece < pieces; ++piece) {
      const std::int32_t first = rows * piece / pieces, last = rows * (piece + 1) / pieces;
      pieces_.push_back(
          {first, columns_, (last - first) * columns_, geometry_.out_height(), geometry_.out_width()});
      most_rows_ = std::max(most_rows_, static_cast<std::size_t>(last - first));
      most_vectors_ = std::max(most_vectors_, vectors_of(pieces_.back()));
    }
  }

  /// Transforms the listed channels `first .. last - 1` of a sample.
  void transform(const Call& call, std::int32_t sample, const LargeTiles& piece, std::int32_t first,
                 std::int32_t last, float* values) const {
    const SampleInput& input = call.inputs[static_cast<std::size_t>(sample)];
    const std::size_t width = vectors_of(piece) * lanes_;
    const std::size_t point_stride = point_floats_of(channels_of(call, sample), width);
    const std::int32_t rows = piece.count / piece.columns;
    const std::int32_t top = 4 * piece.first_row, bottom = top + 4 * rows + 2;  // of the padded plane
    float* plane = member(call);
    std::memset(plane, 0, plane_floats() * sizeof(float));
    const std::int32_t from = std::max(top, geometry_.padding);
    const std::int32_t to = std::min(bottom, geometry_.padding + geometry_.height);
    const auto filled = static_cast<std::size_t>(std::max(0, to - from));
    const auto across = static_cast<std::size_t>(geometry_.width);
    float* inside = plane + static_cast<std::size_t>(from - top) * stride_ + geometry_.padding;
    const std::size_t skipped = static_cast<std::size_t>(from - geometry_.padding) * across;
    for (std::int32_t i = first; i < last; ++i) {
      if (i == input.count) {
        for (std::size_t y = 0; y < filled; ++y) std::fill_n(inside + y * stride_, across, 1.0F);
      } else {
        const auto channel = static_cast<std::size_t>(channel_at(input.channels, i));
        kernels_.copy_rows(input.planes + channel * geometry_.in_plane() + skipped, across, filled, across,
                           constants_.empty() ? 0.0F : constants_[channel],
                           input.scales != nullptr ? input.scales[i] : 1.0F, inside, stride_);
      }
      float* of_channel = values + static_cast<std::size_t>(i) * width;
      for (std::int32_t row = 0; row < rows; ++row) {
        kernels_.transform_large_tiles(plane + static_cast<std::size_t>(4 * row) * stride_, stride_,
                                       static_cast<std::size_t>(columns_),
                                       of_channel + static_cast<std::size_t>(row * columns_), point_stride);
      }
    }
  }

  /// Output channels `first .. last - 1`.
  void multiply(const Call& call, std::int32_t sample, const LargeTiles& piece, std::int32_t first,
                std::int32_t last, const float* values) const {
    const SampleOutput& output = call.outputs[static_cast<std::size_t>(sample)];
    const std::int32_t channels = channels_of(call, sample);
    const std::int32_t* offsets = call.offsets + static_cast<std::size_t>(sample) * channels_;
    const std::size_t vectors = vectors_of(piece), width = vectors * lanes_;
    float* sums = member(call) + plane_floats();
    const auto [begin, end] = places_of(output, first, last);
    const std::int32_t count = end - begin;
    if (count <= 0) return;
    const std::int32_t most = kernels_.rows_limit[vectors];
    const std::int32_t blocks = (count + most - 1) / most;
    std::array<const float*, product_rows_limit> rows;
    for (std::int32_t block = 0; block < blocks; ++block) {
      const std::int32_t from = begin + count * block / blocks, to = begin + count * (block + 1) / blocks;
      const std::size_t point_floats = static_cast<std::size_t>(to - from) * width;
      for (std::size_t point = 0; point < large_tile_points; ++point) {
        for (std::int32_t k = from; k < to; ++k) {
          const auto channel = static_cast<std::size_t>(channel_at(output.channels, k));
          rows[static_cast<std::size_t>(k - from)] =
              weights_.data() + (channel * large_tile_points + point) * row_floats_;
        }
        kernels_.float_products.scalars(values + point * point_floats_of(channels, width), rows.data(),
                                        nullptr, offsets, nullptr, channels, 1, to - from,
                                        static_cast<int>(vectors), sums + point * point_floats);
      }
      for (std::int32_t k = from; k < to; ++k) {
        const std::size_t plane =
            static_cast<std::size_t>(channel_at(output.channels, k)) * geometry_.out_plane();
        kernels_.finish_large_tiles(sums + static_cast<std::size_t>(k - from) * width, point_floats, piece,
                                    {output.scales[k], output.offsets[k], call.relu},
                                    output.residual != nullptr ? output.residual + plane : nullptr,
                                    output.planes + plane);
      }
    }
  }

  const Kernels& kernels_;
  Geometry geometry_;
  std::size_t lanes_;
  std::int32_t columns_;  // of tiles
  std::size_t stride_;    // of a padded input plane
  std::size_t channels_;  // of the packed weights
  std::size_t row_floats_ = 0;
  std::size_t most_rows_ = 0, most_vectors_ = 0;  // of a piece
  std::vector<float> constants_;
  AlignedBuffer weights_;  // (output, point, input): each output's are read in one go
  std::vector<LargeTiles> pieces_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_large_winograd_convolution(const Kernels& kernels,
                                                                   const Geometry& geometry,
                                                                   const float* weight,
                                                                   const float* constants) {
  return std::make_unique<LargeWinogradConvolution>(kernels, geometry, weight, constants);
}

}  // namespace deepmoe
