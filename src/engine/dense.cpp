// Convolutions that leave out no channel, as those of the embedding network: a vector holds output channels,
// so that planes of a few pixels fill it, too. Kernels lie as (block of outputs, input, tap, output); the
// inputs of a pixel are read one by one where they lie in the padded planes.

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
  DenseConvolution(const Kernels& kernels, const Geometry& geometry, const float* weight)
      : kernels_(kernels),
        geometry_(geometry),
        lanes_(static_cast<std::size_t>(kernels.lanes)),
        padded_width_(static_cast<std::size_t>(geometry.width + 2 * geometry.padding)),
        padded_plane_(padded_width_ * static_cast<std::size_t>(geometry.height + 2 * geometry.padding)),
        kernel_floats_(static_cast<std::size_t>(geometry.inputs * geometry.kernel * geometry.kernel)) {
    pack(weight);
    // A row of a kernel is read in one go from where its first number meets the input.
    for (std::int32_t input = 0; input < geometry.inputs; ++input) {
      for (std::int32_t y = 0; y < geometry.kernel; ++y) {
        offsets_.push_back(input * static_cast<std::int32_t>(padded_plane_) +
                           y * static_cast<std::int32_t>(padded_width_));
      }
    }
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
      const float* planes = padded(inputs[sample], memory);
      for (std::int32_t block = blocks * share / shares; block < blocks * (share + 1) / shares; ++block)
        multiply(planes, outputs[sample], static_cast<std::size_t>(block), relu, memory + input_floats());
    });
  }

 private:
  std::size_t block_outputs() const { return product_columns * lanes_; }
  std::size_t input_floats() const {
    return geometry_.padding == 0 ? 0
                                  : whole_lines(static_cast<std::size_t>(geometry_.inputs) * padded_plane_);
  }
  std::size_t member_floats() const { return input_floats() + pixels_at_a_time * block_outputs(); }

  void pack(const float* weight) {
    const auto outputs = static_cast<std::size_t>(geometry_.outputs);
    blocks_ = (outputs + block_outputs() - 1) / block_outputs();
    weights_ = AlignedBuffer((outputs + lanes_ - 1) / lanes_ * lanes_ * kernel_floats_);
    std::memset(weights_.data(), 0, weights_.bytes());
    for (std::size_t output = 0; output < outputs; ++output) {
      const std::size_t block = output / block_outputs();
      float* to = block_weights(block) + output % block_outputs();
      const std::size_t width = vectors_of(block) * lanes_;
      for (std::size_t i = 0; i < kernel_floats_; ++i) to[i * width] = weight[output * kernel_floats_ + i];
    }
  }

  float* block_weights(std::size_t block) {
    return weights_.data() + block * block_outputs() * kernel_floats_;
  }
  const float* block_weights(std::size_t block) const {
    return weights_.data() + block * block_outputs() * kernel_floats_;
  }
  /// Vectors of outputs in a block: the last one may have fewer.
  std::size_t vectors_of(std::size_t block) const {
    const std::size_t left = static_cast<std::size_t>(geometry_.outputs) - block * block_outputs();
    return std::min<std::size_t>(product_columns, (left + lanes_ - 1) / lanes_);
  }

  /// The input with a border of zeros, in `memory` where it needs one.
  const float* padded(const SampleInput& input, float* memory) const {
    if (geometry_.padding == 0) return input.planes;
    std::memset(memory, 0, input_floats() * sizeof(float));
    const auto padding = static_cast<std::size_t>(geometry_.padding);
    for (std::size_t channel = 0; channel < static_cast<std::size_t>(geometry_.inputs); ++channel) {
      kernels_.copy_rows(
          input.planes + channel * geometry_.in_plane(), static_cast<std::size_t>(geometry_.width),
          static_cast<std::size_t>(geometry_.height), static_cast<std::size_t>(geometry_.width), 0.0F, 1.0F,
          memory + channel * padded_plane_ + padding * padded_width_ + padding, padded_width_);
    }
    return memory;
  }

  /// One block of outputs: all pixels, a few at a time.
  void multiply(const float* planes, const SampleOutput& output, std::size_t block, bool relu,
                float* sums) const {
    const std::size_t vectors = vectors_of(block), width = vectors * lanes_;
    const auto pixels = static_cast<std::int32_t>(geometry_.out_plane());
    for (std::int32_t first = 0; first < pixels; first += pixels_at_a_time) {
      const std::int32_t last = std::min(pixels, first + pixels_at_a_time);
      const std::int32_t most = kernels_.rows_limit[vectors];
      const std::int32_t parts = (last - first + most - 1) / most;
      for (std::int32_t part = 0; part < parts; ++part) {
        const std::int32_t from = (last - first) * part / parts, to = (last - first) * (part + 1) / parts;
        multiply(planes, block, first + from, first + to, sums + static_cast<std::size_t>(from) * width);
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
  void multiply(const float* planes, std::size_t block, std::int32_t first, std::int32_t last,
                float* sums) const {
    std::array<const float*, product_rows_limit> rows{};
    for (std::int32_t pixel = first; pixel < last; ++pixel) {
      const std::int32_t y = pixel / geometry_.out_width() * geometry_.stride;
      const std::int32_t x = pixel % geometry_.out_width() * geometry_.stride;
      rows[static_cast<std::size_t>(pixel - first)] =
          planes + static_cast<std::size_t>(y) * padded_width_ + static_cast<std::size_t>(x);
    }
    kernels_.float_products.scalars(block_weights(block), rows.data(), offsets_.data(),
                                    static_cast<std::int32_t>(offsets_.size()), geometry_.kernel,
                                    last - first, static_cast<int>(vectors_of(block)), sums);
  }

  const Kernels& kernels_;
  Geometry geometry_;
  std::size_t lanes_, padded_width_, padded_plane_;
  std::size_t kernel_floats_;  // of one output
  std::size_t blocks_ = 0;
  AlignedBuffer weights_;
  std::vector<std::int32_t> offsets_;  // of each row of a kernel in the padded planes
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_dense_convolution(const Kernels& kernels, const Geometry& geometry,
                                                          const float* weight) {
  return std::make_unique<DenseConvolution>(kernels, geometry, weight);
}

}  // namespace deepmoe
