// Convolutions that compute every output, as those of the embedding network: a vector holds output channels,
// so that planes of a few pixels fill it, too. Kernels lie as (block of outputs, input, tap, output), so that
// leaving out an input is leaving out its vectors; the inputs of a pixel are read one by one where they lie
// in the padded planes.

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "engine/aligned_buffer.hpp"
#include "engine/convolution_kernel.hpp"

namespace deepmoe {
namespace {

/// Pixels that are finished together: whole lines of each output's plane.
constexpr std::int32_t pixels_at_a_time = 48;

class DenseConvolution : public ConvolutionKernel {
 public:
  DenseConvolution(const Kernels& kernels, const Geometry& geometry, const float* weight,
                   const float* constants)
      : kernels_(kernels),
        geometry_(geometry),
        lanes_(static_cast<std::size_t>(kernels.lanes)),
        padded_width_(static_cast<std::size_t>(geometry.width + 2 * geometry.padding)),
        padded_plane_(padded_width_ * static_cast<std::size_t>(geometry.height + 2 * geometry.padding)),
        channels_(static_cast<std::size_t>(geometry.inputs) + (constants != nullptr ? 1 : 0)),
        kernel_size_(static_cast<std::size_t>(geometry.kernel)) {
    if (constants != nullptr) constants_.assign(constants, constants + geometry.inputs);
    pack(weight);
  }

  std::string name() const override { return "dense"; }
  std::size_t weight_bytes() const override { return weights_.bytes(); }

  std::size_t scratch_floats(std::int32_t, int threads) const override {
    return static_cast<std::size_t>(threads) * member_floats();
  }

  void run(std::span<const SampleInput> inputs, std::span<const SampleOutput> outputs, bool relu,
           float* scratch, const Team& team) const override {
    const auto samples = static_cast<std::int32_t>(inputs.size());
    const auto blocks = static_cast<std::int32_t>(blocks_);
    // One sample's blocks of outputs are shared out when there are fewer samples than threads.
    const std::int32_t shares = samples >= team.size() ? 1 : std::min(blocks, team.size());
    team.for_each(samples * shares, [&](std::int32_t task) {
      const auto sample = static_cast<std::size_t>(task / shares);
      const std::int32_t share = task % shares;
      float* memory = scratch + team.member() * member_floats();
      const Rows rows = rows_of(inputs[sample], memory);
      float* sums = memory + input_floats() + 2 * list_floats();
      for (std::int32_t block = blocks * share / shares; block < blocks * (share + 1) / shares; ++block)
        multiply(rows, outputs[sample], static_cast<std::size_t>(block), relu, sums);
    });
  }

 private:
  /// The rows of kernels that meet a sample: each is read in one go from where its first number meets the
  /// input.
  struct Rows {
    const float* planes;
    const std::int32_t* offsets;  // where the first pixel meets a row, in the planes
    const std::int32_t* places;   // of a row among all rows of a kernel; null: all of them
    std::int32_t count;
  };

  std::size_t block_outputs() const { return product_columns * lanes_; }
  /// Numbers of one output's kernel.
  std::size_t kernel_floats() const { return channels_ * kernel_size_ * kernel_size_; }
  std::size_t input_floats() const { return whole_lines(channels_ * padded_plane_); }
  std::size_t list_floats() const { return whole_lines(channels_ * kernel_size_); }
  std::size_t member_floats() const {
    return input_floats() + 2 * list_floats() + pixels_at_a_time * block_outputs();
  }

  void pack(const float* weight) {
    const auto outputs = static_cast<std::size_t>(geometry_.outputs);
    const std::size_t taps = kernel_size_ * kernel_size_, listed = kernel_floats() - taps * of_ones();
    blocks_ = (outputs + block_outputs() - 1) / block_outputs();
    weights_ = AlignedBuffer((outputs + lanes_ - 1) / lanes_ * lanes_ * kernel_floats());
    std::memset(weights_.data(), 0, weights_.bytes());
    for (std::size_t output = 0; output < outputs; ++output, weight += listed) {
      const std::size_t block = output / block_outputs(), width = vectors_of(block) * lanes_;
      float* to = weights_.data() + block * block_outputs() * kernel_floats() + output % block_outputs();
      for (std::size_t i = 0; i < listed; ++i) to[i * width] = weight[i];
      for (std::size_t tap = 0; tap < taps * of_ones(); ++tap) {
        double sum = 0;
        for (std::size_t input = 0; input < constants_.size(); ++input)
          sum += double{constants_[input]} * double{weight[input * taps + tap]};
        to[(listed + tap) * width] = static_cast<float>(sum);
      }
    }
  }

  /// Channels that are one everywhere and stand for the constants.
  std::size_t of_ones() const { return constants_.empty() ? 0 : 1; }
  const float* block_weights(std::size_t block) const {
    return weights_.data() + block * block_outputs() * kernel_floats();
  }
  /// Vectors of outputs in a block: the last one may have fewer.
  std::size_t vectors_of(std::size_t block) const {
    const std::size_t left = static_cast<std::size_t>(geometry_.outputs) - block * block_outputs();
    return std::min<std::size_t>(product_columns, (left + lanes_ - 1) / lanes_);
  }

  /// The rows of a sample's channels, and, in `memory` where they can't be read as they are, its planes.
  Rows rows_of(const SampleInput& input, float* memory) const {
    // Constants stand for channels that are not listed.
    const bool every = input.count == geometry_.inputs;
    const bool with_constants = !constants_.empty() && !every;
    const bool as_they_are = geometry_.padding == 0 && !with_constants && input.scales == nullptr;
    auto* offsets = reinterpret_cast<std::int32_t*>(memory + input_floats());
    auto* places = reinterpret_cast<std::int32_t*>(memory + input_floats() + list_floats());
    const std::int32_t count = input.count + (with_constants ? 1 : 0);
    std::int32_t row = 0;
    for (std::int32_t i = 0; i < count; ++i) {
      const std::int32_t channel = i < input.count ? channel_at(input.channels, i) : geometry_.inputs;
      const std::int32_t plane = as_they_are ? channel : i;
      for (std::int32_t y = 0; y < geometry_.kernel; ++y, ++row) {
        offsets[row] =
            plane * static_cast<std::int32_t>(padded_plane_) + y * static_cast<std::int32_t>(padded_width_);
        places[row] = channel * geometry_.kernel + y;
      }
    }
    return {as_they_are ? input.planes : padded(input, with_constants, memory), offsets,
            every ? nullptr : places, row};
  }

  /// The listed channels, less their constants if there are any and one of ones then, with a border of zeros.
  const float* padded(const SampleInput& input, bool with_constants, float* memory) const {
    const auto padding = static_cast<std::size_t>(geometry_.padding),
               height = static_cast<std::size_t>(geometry_.height),
               width = static_cast<std::size_t>(geometry_.width);
    const std::size_t listed = static_cast<std::size_t>(input.count) * padded_plane_;
    const std::size_t ones = with_constants ? 1 : 0;
    if (padding > 0) std::memset(memory, 0, (listed + ones * padded_plane_) * sizeof(float));
    float* to = memory + padding * padded_width_ + padding;
    for (std::int32_t i = 0; i < input.count; ++i, to += padded_plane_) {
      const auto channel = static_cast<std::size_t>(channel_at(input.channels, i));
      kernels_.copy_rows(input.planes + channel * geometry_.in_plane(), width, height, width,
                         with_constants ? constants_[channel] : 0.0F,
                         input.scales != nullptr ? input.scales[i] : 1.0F, to, padded_width_);
    }
    for (std::size_t y = 0; y < height * ones; ++y) std::fill_n(to + y * padded_width_, width, 1.0F);
    return memory;
  }

  /// One block of outputs: all pixels, a few at a time.
  void multiply(const Rows& rows, const SampleOutput& output, std::size_t block, bool relu,
                float* sums) const {
    const std::size_t vectors = vectors_of(block), width = vectors * lanes_;
    const auto pixels = static_cast<std::int32_t>(geometry_.out_plane());
    for (std::int32_t first = 0; first < pixels; first += pixels_at_a_time) {
      const std::int32_t last = std::min(pixels, first + pixels_at_a_time);
      const std::int32_t most = kernels_.rows_limit[vectors];
      const std::int32_t parts = (last - first + most - 1) / most;
      for (std::int32_t part = 0; part < parts; ++part) {
        const std::int32_t from = (last - first) * part / parts, to = (last - first) * (part + 1) / parts;
        multiply(rows, block, first + from, first + to, sums + static_cast<std::size_t>(from) * width);
      }
      const std::size_t from = block * block_outputs();
      const std::size_t at = from * geometry_.out_plane() + static_cast<std::size_t>(first);
      kernels_.finish_outputs(sums, width, static_cast<std::size_t>(last - first),
                              std::min(width, static_cast<std::size_t>(geometry_.outputs) - from),
                              output.scales + from, output.offsets + from, relu,
                              output.residual != nullptr ? output.residual + at : nullptr, output.planes + at,
                              geometry_.out_plane());
    }
  }

  /// The sums of the pixels `first .. last - 1`, packed (pixel, output).
  void multiply(const Rows& rows, std::size_t block, std::int32_t first, std::int32_t last,
                float* sums) const {
    std::array<const float*, product_rows_limit> pixels{};
    for (std::int32_t pixel = first; pixel < last; ++pixel) {
      const std::int32_t y = pixel / geometry_.out_width() * geometry_.stride;
      const std::int32_t x = pixel % geometry_.out_width() * geometry_.stride;
      pixels[static_cast<std::size_t>(pixel - first)] =
          rows.planes + static_cast<std::size_t>(y) * padded_width_ + static_cast<std::size_t>(x);
    }
    kernels_.float_products.scalars(block_weights(block), pixels.data(), nullptr, rows.offsets, rows.places,
                                    rows.count, geometry_.kernel, last - first,
                                    static_cast<int>(vectors_of(block)), sums);
  }

  const Kernels& kernels_;
  Geometry geometry_;
  std::vector<float> constants_;
  std::size_t lanes_, padded_width_, padded_plane_;
  std::size_t channels_;  // with the one of ones
  std::size_t kernel_size_;
  std::size_t blocks_ = 0;
  AlignedBuffer weights_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_dense_convolution(const Kernels& kernels, const Geometry& geometry,
                                                          const float* weight, const float* constants) {
  return std::make_unique<DenseConvolution>(kernels, geometry, weight, constants);
}

}  // namespace deepmoe
