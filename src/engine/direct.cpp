// Convolutions of any kernel and stride: for a stretch of output pixels the inputs of each tap are laid out
// in a row, and one number of a kernel serves a vector of pixels. Kernels keep their usual order, so that
// leaving out a channel, read or written, is leaving out its numbers.

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "engine/aligned_buffer.hpp"
#include "engine/convolution_kernel.hpp"

namespace deepmoe {
namespace {

constexpr std::size_t floats_of_line = 16;
/// Laid-out inputs that are kept while all outputs are computed from them; half of a usual L2 cache.
constexpr std::size_t values_limit = std::size_t{192} * 1024 / sizeof(float);

std::size_t rounded(std::size_t floats) {
  return (floats + floats_of_line - 1) / floats_of_line * floats_of_line;
}

/// Taps `first .. first + count - 1` of a kernel along one axis: those that meet the input anywhere.
struct Taps {
  std::int32_t first, count;
};
Taps useful_taps(std::int32_t extent, std::int32_t outputs, const Geometry& geometry) {
  const std::int32_t first = std::max(0, geometry.padding - (outputs - 1) * geometry.stride);
  const std::int32_t last = std::min(geometry.kernel - 1, extent - 1 + geometry.padding);
  if (last < first) return {0, geometry.kernel};
  return {first, last - first + 1};
}

/// A stretch of a row of output pixels that lies within one block of vectors.
struct Stretch {
  std::int32_t row, column, count;
  std::size_t place;  ///< where it starts in the values of one channel and tap of its block
  std::int32_t block;
};

template <class Weight>
class DirectConvolution : public ConvolutionKernel {
 public:
  DirectConvolution(const Kernels& kernels, const Geometry& geometry, const float* weight,
                    const float* constants)
      : kernels_(kernels), geometry_(geometry), lanes_(static_cast<std::size_t>(kernels.lanes)) {
    if (constants != nullptr) constants_.assign(constants, constants + geometry.inputs);
    rows_ = useful_taps(geometry.height, geometry.out_height(), geometry);
    columns_ = useful_taps(geometry.width, geometry.out_width(), geometry);
    taps_ = static_cast<std::size_t>(rows_.count * columns_.count);
    pack(weight);
    flat_ = geometry.kernel == 1 && geometry.stride == 1 && geometry.padding == 0;
    height_ = flat_ ? 1 : geometry.out_height();
    width_ = flat_ ? static_cast<std::int32_t>(geometry.out_plane()) : geometry.out_width();
    phase_stride_ = static_cast<std::size_t>(
        (geometry.width + 2 * geometry.padding + geometry.stride - 1) / geometry.stride + 1);
    plan_pieces();
  }

  std::string name() const override { return "direct"; }
  std::size_t weight_bytes() const override { return weights_.bytes(); }

  std::size_t scratch_floats(std::int32_t samples, int threads) const override {
    return rounded(static_cast<std::size_t>(samples) * listed()) + values_floats() +
           static_cast<std::size_t>(threads) * (member_floats() + values_floats());
  }

  void run(std::span<const SampleInput> inputs, std::span<const SampleOutput> outputs, bool relu,
           float* scratch, const Team& team) const override {
    Call call{inputs, outputs, relu, team, reinterpret_cast<std::int32_t*>(scratch), nullptr, nullptr};
    call.values = scratch + rounded(inputs.size() * listed());
    call.members = call.values + values_floats();
    const auto taps = static_cast<std::int32_t>(taps_);
    for (std::size_t sample = 0; sample < inputs.size(); ++sample) {
      std::int32_t* offsets = call.offsets + sample * listed();
      for (std::int32_t i = 0; i < inputs[sample].count; ++i)
        offsets[i] = channel_at(inputs[sample].channels, i) * taps;
      if (!constants_.empty()) offsets[inputs[sample].count] = geometry_.inputs * taps;
    }
    const auto pieces = static_cast<std::int32_t>(pieces_.size());
    const auto samples = static_cast<std::int32_t>(inputs.size());
    if (team.size() == 1 || samples * pieces >= 2 * team.size()) {
      team.for_each(samples * pieces, [&](std::int32_t task) {
        float* values = team.size() == 1 ? call.values : member(call) + member_floats();
        const std::int32_t sample = task / pieces;
        const Piece& piece = pieces_[static_cast<std::size_t>(task % pieces)];
        lay_out(call, sample, piece, 0, channels_of(call, sample), values);
        multiply(call, sample, piece, 0, geometry_.outputs, values);
      });
      return;
    }
    for (std::int32_t sample = 0; sample < samples; ++sample) {
      for (const Piece& piece : pieces_) {
        const std::int32_t channels = channels_of(call, sample);
        share(team, channels, 1, [&](std::int32_t first, std::int32_t last) {
          lay_out(call, sample, piece, first, last, call.values);
        });
        share(team, geometry_.outputs, product_rows_limit, [&](std::int32_t first, std::int32_t last) {
          multiply(call, sample, piece, first, last, call.values);
        });
      }
    }
  }

 private:
  /// Rows of output pixels whose laid-out inputs stay in the cache.
  struct Piece {
    std::int32_t first_pixel = 0, pixels = 0;
    std::int32_t first_row = 0, rows = 0;
    std::vector<Stretch> stretches;
  };

  struct Call {
    std::span<const SampleInput> inputs;
    std::span<const SampleOutput> outputs;
    bool relu;
    const Team& team;
    std::int32_t* offsets;
    float* values;
    float* members;
  };

  std::size_t listed() const {
    return static_cast<std::size_t>(geometry_.inputs) + (constants_.empty() ? 0 : 1);
  }
  std::int32_t channels_of(const Call& call, std::int32_t sample) const {
    return call.inputs[static_cast<std::size_t>(sample)].count + (constants_.empty() ? 0 : 1);
  }
  float* member(const Call& call) const {
    return call.members + call.team.member() * (member_floats() + values_floats());
  }
  std::size_t block_pixels() const { return product_columns * lanes_; }

  template <class Task>
  static void share(const Team& team, std::int32_t count, std::int32_t least, const Task& task) {
    const std::int32_t size = std::max(least, (count + 4 * team.size() - 1) / (4 * team.size()));
    team.for_each((count + size - 1) / size,
                  [&](std::int32_t part) { task(part * size, std::min(count, (part + 1) * size)); });
  }

  void pack(const float* weight) {
    const auto inputs = static_cast<std::size_t>(geometry_.inputs);
    const auto kernel = static_cast<std::size_t>(geometry_.kernel);
    row_numbers_ = listed() * taps_;
    weights_ =
        AlignedArray<Weight>(static_cast<std::size_t>(geometry_.outputs) * row_numbers_ + floats_of_line);
    for (std::size_t output = 0; output < static_cast<std::size_t>(geometry_.outputs); ++output) {
      Weight* row = weights_.data() + output * row_numbers_;
      std::vector<double> sums(taps_, 0.0);
      for (std::size_t input = 0; input < inputs; ++input) {
        const float* from = weight + (output * inputs + input) * kernel * kernel;
        for (std::size_t tap = 0; tap < taps_; ++tap) {
          const auto across = static_cast<std::size_t>(columns_.count);
          const std::size_t y = static_cast<std::size_t>(rows_.first) + tap / across;
          const std::size_t x = static_cast<std::size_t>(columns_.first) + tap % across;
          row[input * taps_ + tap] = nearest<Weight>(from[y * kernel + x]);
          if (!constants_.empty()) sums[tap] += double{constants_[input]} * double{from[y * kernel + x]};
        }
      }
      if (constants_.empty()) continue;
      for (std::size_t tap = 0; tap < taps_; ++tap)
        row[inputs * taps_ + tap] = nearest<Weight>(static_cast<float>(sums[tap]));
    }
  }

  void plan_pieces() {
    const std::size_t of_pixel = listed() * taps_;
    const std::size_t fitting =
        std::max<std::size_t>(1, values_limit / (of_pixel * block_pixels())) * block_pixels();
    const auto width = static_cast<std::size_t>(width_);
    // Whole rows, but for planes that are one row.
    const std::size_t pixels_at_a_time = flat_ ? fitting : std::max<std::size_t>(1, fitting / width) * width;
    const std::size_t all = static_cast<std::size_t>(height_) * width;
    for (std::size_t first = 0; first < all; first += pixels_at_a_time) {
      Piece piece;
      piece.first_pixel = static_cast<std::int32_t>(first);
      piece.pixels = static_cast<std::int32_t>(std::min(pixels_at_a_time, all - first));
      piece.first_row = piece.first_pixel / width_;
      piece.rows = (piece.first_pixel + piece.pixels - 1) / width_ - piece.first_row + 1;
      add_stretches(piece);
      most_pixels_ = std::max(most_pixels_, static_cast<std::size_t>(piece.pixels));
      pieces_.push_back(std::move(piece));
    }
  }

  void add_stretches(Piece& piece) const {
    const auto block = static_cast<std::int32_t>(block_pixels());
    for (std::int32_t pixel = 0; pixel < piece.pixels;) {
      const std::int32_t at = piece.first_pixel + pixel;
      const std::int32_t count =
          std::min({width_ - at % width_, block - pixel % block, piece.pixels - pixel});
      piece.stretches.push_back(
          {at / width_, at % width_, count, static_cast<std::size_t>(pixel % block), pixel / block});
      pixel += count;
    }
  }

  std::size_t values_floats() const {
    return rounded((most_pixels_ + block_pixels()) * listed() * taps_) + floats_of_line;
  }
  std::size_t phase_rows() const {
    std::int32_t rows = 0;
    for (const Piece& piece : pieces_) rows = std::max(rows, piece.rows);
    return static_cast<std::size_t>((rows - 1) * geometry_.stride + geometry_.kernel);
  }
  std::size_t phase_floats() const { return flat_ ? 0 : phase_rows() * phase_stride_; }
  std::size_t member_floats() const {
    return rounded(phase_floats() * static_cast<std::size_t>(geometry_.stride)) +
           std::size_t{product_rows_limit} * product_columns * tile_points;
  }

  /// Vectors in a block of a piece: the last one may be narrower.
  std::size_t vectors_of(const Piece& piece, std::int32_t block) const {
    const std::size_t left =
        static_cast<std::size_t>(piece.pixels) - static_cast<std::size_t>(block) * block_pixels();
    return std::min<std::size_t>(product_columns, (left + lanes_ - 1) / lanes_);
  }

  /// Lays out the listed channels `first .. last - 1`: values are packed (block, channel, tap, pixel).
  void lay_out(const Call& call, std::int32_t sample, const Piece& piece, std::int32_t first,
               std::int32_t last, float* values) const {
    const SampleInput& input = call.inputs[static_cast<std::size_t>(sample)];
    const auto channels = static_cast<std::size_t>(channels_of(call, sample));
    float* phases = member(call);
    const std::size_t top = static_cast<std::size_t>(piece.first_row * geometry_.stride);
    if (!flat_)
      std::memset(phases, 0, phase_floats() * static_cast<std::size_t>(geometry_.stride) * sizeof(float));
    for (std::int32_t i = first; i < last; ++i) {
      const bool is_one = i == input.count;
      const auto channel = static_cast<std::size_t>(is_one ? 0 : channel_at(input.channels, i));
      const float* plane = input.planes + channel * geometry_.in_plane();
      const float shift = constants_.empty() ? 0.0F : constants_[channel];
      const float scale = input.scales != nullptr && !is_one ? input.scales[i] : 1.0F;
      if (flat_) {
        lay_out_flat(piece, channels, static_cast<std::size_t>(i), is_one ? nullptr : plane, shift, scale,
                     values);
        continue;
      }
      fill_phases(is_one ? nullptr : plane, piece, top, shift, scale, phases);
      for (std::size_t tap = 0; tap < taps_; ++tap) {
        const auto across = static_cast<std::size_t>(columns_.count);
        const std::size_t y = static_cast<std::size_t>(rows_.first) + tap / across;
        const std::size_t x = static_cast<std::size_t>(columns_.first) + tap % across;
        const auto stride = static_cast<std::size_t>(geometry_.stride);
        const float* phase = phases + x % stride * phase_floats() + x / stride;
        for (const Stretch& stretch : piece.stretches) {
          const std::size_t row = static_cast<std::size_t>(stretch.row) * stride + y - top;
          std::memcpy(place_of(piece, stretch, channels, static_cast<std::size_t>(i), tap, values),
                      phase + row * phase_stride_ + stretch.column,
                      static_cast<std::size_t>(stretch.count) * sizeof(float));
        }
      }
    }
  }

  float* place_of(const Piece& piece, const Stretch& stretch, std::size_t channels, std::size_t i,
                  std::size_t tap, float* values) const {
    const std::size_t vector_floats = vectors_of(piece, stretch.block) * lanes_;
    return values + static_cast<std::size_t>(stretch.block) * block_pixels() * channels * taps_ +
           (i * taps_ + tap) * vector_floats + stretch.place;
  }

  void lay_out_flat(const Piece& piece, std::size_t channels, std::size_t i, const float* plane, float shift,
                    float scale, float* values) const {
    for (const Stretch& stretch : piece.stretches) {
      float* out = place_of(piece, stretch, channels, i, 0, values);
      const auto count = static_cast<std::size_t>(stretch.count);
      if (plane == nullptr) {
        std::fill_n(out, count, 1.0F);
      } else {
        kernels_.copy_rows(plane + stretch.column, 0, 1, count, shift, scale, out, 0);
      }
    }
  }

  /// The padded rows that a piece reads, columns apart by their remainder modulo the stride. The border is
  /// zero already. A null plane is one everywhere.
  void fill_phases(const float* plane, const Piece& piece, std::size_t top, float shift, float scale,
                   float* phases) const {
    const auto stride = static_cast<std::size_t>(geometry_.stride),
               padding = static_cast<std::size_t>(geometry_.padding);
    const auto height = static_cast<std::size_t>(geometry_.height),
               width = static_cast<std::size_t>(geometry_.width);
    const std::size_t bottom =
        top + static_cast<std::size_t>((piece.rows - 1) * geometry_.stride + geometry_.kernel);
    const std::size_t from = std::max(top, padding), to = std::min(bottom, padding + height);
    if (from >= to) return;
    const std::size_t rows = to - from;
    float* first = phases + (from - top) * phase_stride_;
    const float* in = plane != nullptr ? plane + (from - padding) * width : nullptr;
    if (in != nullptr && stride == 1) {
      kernels_.copy_rows(in, width, rows, width, shift, scale, first + padding, phase_stride_);
    } else if (in != nullptr && stride == 2) {
      // Padded column padding + x has remainder (padding + x) % 2.
      float* even = first + padding % 2 * phase_floats() + padding / 2;
      float* odd = first + (padding + 1) % 2 * phase_floats() + (padding + 1) / 2;
      kernels_.split_rows(in, width, rows, width, shift, scale, even, odd, phase_stride_);
    } else {
      for (std::size_t y = 0; y < rows; ++y) {
        for (std::size_t x = 0; x < width; ++x) {
          const std::size_t column = padding + x;
          first[column % stride * phase_floats() + y * phase_stride_ + column / stride] =
              in != nullptr ? (in[y * width + x] - shift) * scale : 1.0F;
        }
      }
    }
  }

  /// Output channels `first .. last - 1`.
  void multiply(const Call& call, std::int32_t sample, const Piece& piece, std::int32_t first,
                std::int32_t last, const float* values) const {
    const SampleOutput& output = call.outputs[static_cast<std::size_t>(sample)];
    const std::int32_t channels = channels_of(call, sample);
    const std::int32_t* offsets = call.offsets + static_cast<std::size_t>(sample) * listed();
    float* sums = member(call) + rounded(phase_floats() * static_cast<std::size_t>(geometry_.stride));
    const auto [begin, end] = places_of(output, first, last);
    const std::int32_t count = end - begin;
    if (count <= 0) return;
    const auto vectors_in_first = static_cast<int>(vectors_of(piece, 0));
    const std::int32_t most = kernels_.rows_limit[vectors_in_first];
    const std::int32_t groups = (count + most - 1) / most;
    std::array<const Weight*, product_rows_limit> rows;
    for (std::int32_t group = 0; group < groups; ++group) {
      const std::int32_t from = begin + count * group / groups, to = begin + count * (group + 1) / groups;
      for (std::int32_t k = from; k < to; ++k) {
        rows[static_cast<std::size_t>(k - from)] =
            weights_.data() + static_cast<std::size_t>(channel_at(output.channels, k)) * row_numbers_;
      }
      const std::size_t blocks =
          (static_cast<std::size_t>(piece.pixels) + block_pixels() - 1) / block_pixels();
      for (std::size_t block = 0; block < blocks; ++block) {
        const std::size_t vectors = vectors_of(piece, static_cast<std::int32_t>(block));
        kernels_.products<Weight>().scalars(
            values + block * block_pixels() * static_cast<std::size_t>(channels) * taps_, rows.data(),
            offsets, channels, static_cast<std::int32_t>(taps_), to - from, static_cast<int>(vectors), sums);
        const std::size_t pixel = static_cast<std::size_t>(piece.first_pixel) + block * block_pixels();
        const std::size_t pixels =
            std::min(block_pixels(), static_cast<std::size_t>(piece.first_pixel + piece.pixels) - pixel);
        for (std::int32_t k = from; k < to; ++k) {
          const std::size_t at =
              static_cast<std::size_t>(channel_at(output.channels, k)) * geometry_.out_plane() + pixel;
          kernels_.finish_pixels(sums + static_cast<std::size_t>(k - from) * vectors * lanes_, pixels,
                                 {output.scales[k], output.offsets[k], call.relu},
                                 output.residual != nullptr ? output.residual + at : nullptr,
                                 output.planes + at);
        }
      }
    }
  }

  const Kernels& kernels_;
  Geometry geometry_;
  std::size_t lanes_;
  Taps rows_{}, columns_{};
  std::size_t taps_ = 1;
  bool flat_ = false;                    // a plane is one long row
  std::int32_t height_ = 0, width_ = 0;  // output pixels as rows
  std::size_t phase_stride_ = 0, row_numbers_ = 0, most_pixels_ = 0;
  std::vector<float> constants_;
  AlignedArray<Weight> weights_;  // (output, input, tap)
  std::vector<Piece> pieces_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_direct_convolution(const Kernels& kernels, const Geometry& geometry,
                                                           const float* weight, const float* constants,
                                                           WeightPrecision precision) {
  if (precision == WeightPrecision::bf16)
    return std::make_unique<DirectConvolution<BFloat16>>(kernels, geometry, weight, constants);
  return std::make_unique<DirectConvolution<float>>(kernels, geometry, weight, constants);
}

}  // namespace deepmoe
