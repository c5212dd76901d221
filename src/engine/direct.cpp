// Convolutions of any kernel and stride: for a stretch of output pixels the inputs of each tap are laid out
// in a row, and one number of a kernel serves a vector of pixels.

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "engine/aligned_buffer.hpp"
#include "engine/cache.hpp"
#include "engine/convolution_kernel.hpp"
#include "engine/im2col.hpp"
#include "engine/packed_kernels.hpp"

namespace deepmoe {
namespace {

template <class Weight>
class DirectConvolution : public ConvolutionKernel {
 public:
  DirectConvolution(const Kernels& kernels, const Geometry& geometry,
                    std::shared_ptr<const PackedKernels<Weight>> weights, std::span<const float> constants)
      : kernels_(kernels),
        geometry_(geometry),
        lanes_(static_cast<std::size_t>(kernels.lanes)),
        im2col_(kernels, geometry, constants),
        weights_(std::move(weights)) {}

  std::string name() const override { return "direct"; }
  std::size_t weight_bytes() const override { return weights_->bytes(); }

  std::size_t scratch_floats(std::int32_t samples, int threads) const override {
    return offsets_floats(static_cast<std::size_t>(samples)) + im2col_.values_floats() +
           static_cast<std::size_t>(threads) * (member_floats() + im2col_.values_floats());
  }

  void run(std::span<const SampleInput> inputs, std::span<const SampleOutput> outputs, bool relu,
           float* scratch, const Team& team) const override {
    const bool asks_ahead =
        weights_->bytes() > second_cache_bytes() && im2col_.taps().size() > 1 &&
        uses_of_kernels(inputs, outputs, static_cast<double>(geometry_.kernels())) <= most_uses_to_ask_ahead;
    Call call{inputs,  outputs, relu, team, asks_ahead, reinterpret_cast<std::int32_t*>(scratch),
              nullptr, nullptr};
    call.values = scratch + offsets_floats(inputs.size());
    call.members = call.values + im2col_.values_floats();
    const auto taps = static_cast<std::int32_t>(im2col_.taps().size());
    for (std::size_t sample = 0; sample < inputs.size(); ++sample) {
      std::int32_t* offsets = call.offsets + sample * im2col_.most_channels();
      for (std::int32_t i = 0; i < inputs[sample].count; ++i)
        offsets[i] = channel_at(inputs[sample].channels, i) * taps;
      if (im2col_.channels_of(inputs[sample]) > inputs[sample].count)
        offsets[inputs[sample].count] = geometry_.inputs * taps;
    }
    const auto pieces = static_cast<std::int32_t>(im2col_.pieces().size());
    const auto samples = static_cast<std::int32_t>(inputs.size());
    if (team.size() == 1 || samples * pieces >= 2 * team.size()) {
      team.for_each(samples * pieces, [&](std::int32_t task) {
        float* values = team.size() == 1 ? call.values : member(call) + member_floats();
        const auto sample = static_cast<std::size_t>(task / pieces);
        const Im2col::Piece& piece = im2col_.pieces()[static_cast<std::size_t>(task % pieces)];
        lay_out(call, sample, piece, 0, im2col_.channels_of(inputs[sample]), values);
        multiply(call, sample, piece, 0, geometry_.outputs, values);
      });
      return;
    }
    for (std::size_t sample = 0; sample < inputs.size(); ++sample) {
      for (const Im2col::Piece& piece : im2col_.pieces()) {
        team.share(im2col_.channels_of(inputs[sample]), 1, [&](std::int32_t first, std::int32_t last) {
          lay_out(call, sample, piece, first, last, call.values);
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
    bool asks_ahead;  // for kernels that no cache holds
    std::int32_t* offsets;
    float* values;
    float* members;
  };

  std::size_t offsets_floats(std::size_t samples) const {
    return whole_lines(samples * im2col_.most_channels());
  }
  std::size_t sums_floats() const { return std::size_t{product_rows_limit} * product_columns * tile_points; }
  std::size_t member_floats() const { return im2col_.phases_floats() + sums_floats(); }
  float* member(const Call& call) const {
    return call.members + call.team.member() * (member_floats() + im2col_.values_floats());
  }

  void lay_out(const Call& call, std::size_t sample, const Im2col::Piece& piece, std::int32_t first,
               std::int32_t last, float* values) const {
    im2col_.lay_out(call.inputs[sample], piece, first, last, member(call), values);
  }

  /// Output channels `first .. last - 1`.
  void multiply(const Call& call, std::size_t sample, const Im2col::Piece& piece, std::int32_t first,
                std::int32_t last, const float* values) const {
    const SampleOutput& output = call.outputs[sample];
    const std::int32_t channels = im2col_.channels_of(call.inputs[sample]);
    const std::int32_t* offsets = call.offsets + sample * im2col_.most_channels();
    const std::size_t taps = im2col_.taps().size(), block_pixels = im2col_.block_pixels();
    float* sums = member(call) + im2col_.phases_floats();
    const auto [begin, end] = places_of(output, first, last);
    const std::int32_t count = end - begin;
    if (count <= 0) return;
    const auto vectors_in_first = static_cast<int>(im2col_.vectors_of(piece, 0));
    const std::int32_t most = kernels_.rows_limit[vectors_in_first];
    const std::int32_t groups = (count + most - 1) / most;
    std::array<const Weight*, product_rows_limit> rows, ahead;
    const auto row = [&](std::int32_t k) {
      return weights_->row(static_cast<std::size_t>(channel_at(output.channels, k)));
    };
    for (std::int32_t group = 0; group < groups; ++group) {
      const std::int32_t from = begin + count * group / groups, to = begin + count * (group + 1) / groups;
      for (std::int32_t k = from; k < to; ++k) {
        rows[static_cast<std::size_t>(k - from)] = row(k);
        ahead[static_cast<std::size_t>(k - from)] = row(std::min(k + to - from, output.count - 1));
      }
      const std::size_t blocks = (static_cast<std::size_t>(piece.pixels) + block_pixels - 1) / block_pixels;
      for (std::size_t block = 0; block < blocks; ++block) {
        const std::size_t vectors = im2col_.vectors_of(piece, block);
        kernels_.products<Weight>().scalars(
            values + block * block_pixels * static_cast<std::size_t>(channels) * taps, rows.data(),
            call.asks_ahead && block == 0 ? ahead.data() : nullptr, offsets, nullptr, channels,
            static_cast<std::int32_t>(taps), to - from, static_cast<int>(vectors), sums);
        const std::size_t pixel = static_cast<std::size_t>(piece.first_pixel) + block * block_pixels;
        const std::size_t pixels =
            std::min(block_pixels, static_cast<std::size_t>(piece.first_pixel + piece.pixels) - pixel);
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
  Im2col im2col_;
  std::shared_ptr<const PackedKernels<Weight>> weights_;
};

}  // namespace

template <class Weight>
std::unique_ptr<ConvolutionKernel> make_packed_direct_convolution(
    const Kernels& kernels, const Geometry& geometry, std::shared_ptr<const PackedKernels<Weight>> weights,
    std::span<const float> constants) {
  return std::make_unique<DirectConvolution<Weight>>(kernels, geometry, std::move(weights), constants);
}

template std::unique_ptr<ConvolutionKernel> make_packed_direct_convolution(
    const Kernels&, const Geometry&, std::shared_ptr<const PackedKernels<float>>, std::span<const float>);
template std::unique_ptr<ConvolutionKernel> make_packed_direct_convolution(
    const Kernels&, const Geometry&, std::shared_ptr<const PackedKernels<BFloat16>>, std::span<const float>);

std::unique_ptr<ConvolutionKernel> make_direct_convolution(const Kernels& kernels, const Geometry& geometry,
                                                           const float* weight, const float* constants,
                                                           WeightPrecision precision) {
  const auto make = [&]<class Weight>(std::shared_ptr<const PackedKernels<Weight>> weights) {
    return make_packed_direct_convolution(kernels, geometry, std::move(weights),
                                          constants_of(geometry, constants));
  };
  if (precision == WeightPrecision::bf16)
    return make(std::make_shared<const PackedKernels<BFloat16>>(geometry, weight, constants));
  return make(std::make_shared<const PackedKernels<float>>(geometry, weight, constants));
}

}  // namespace deepmoe
