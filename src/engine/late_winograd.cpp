// 3x3 convolutions of stride 1 with large kernels on small planes: with one image the time is that of the
// kernels' way from memory. They are kept as they are; where few samples use each, they are used as they are,
// and else transformed for Winograd's products on the way.

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "engine/convolution_kernel.hpp"

namespace deepmoe {
namespace {

class LateWinogradConvolution : public ConvolutionKernel {
 public:
  template <class Weight>
  LateWinogradConvolution(const Kernels& kernels, const Geometry& geometry,
                          const std::shared_ptr<const PackedKernels<Weight>>& weights,
                          std::span<const float> constants)
      : geometry_(geometry),
        direct_(make_packed_direct_convolution(kernels, geometry, weights, constants)),
        winograd_(make_packed_winograd_convolution(kernels, geometry, weights, constants)) {
    // Products of vectors for one kernel and one sample, and those that a transform takes the time of.
    const double lanes = kernels.lanes, parts = tile_points / lanes;
    const double rows = (geometry.out_height() + 1) / 2, columns = (geometry.out_width() + 1) / 2;
    const double pixel_vectors = std::ceil(static_cast<double>(geometry.out_plane()) / lanes);
    gain_of_use_ = 9 * pixel_vectors - rows * columns * parts;
    cost_of_transform_ = 9 * parts;
  }

  std::string name() const override { return "late winograd"; }
  std::size_t weight_bytes() const override { return direct_->weight_bytes(); }
  std::size_t scratch_floats(std::int32_t samples, int threads) const override {
    return std::max(direct_->scratch_floats(samples, threads), winograd_->scratch_floats(samples, threads));
  }

  void run(std::span<const SampleInput> inputs, std::span<const SampleOutput> outputs, bool relu,
           float* scratch, const Team& team) const override {
    const double uses = uses_of_kernels(inputs, outputs, static_cast<double>(geometry_.kernels()));
    const bool transform_pays = uses * gain_of_use_ > std::min(1.0, uses) * cost_of_transform_;
    (transform_pays ? winograd_ : direct_)->run(inputs, outputs, relu, scratch, team);
  }

 private:
  Geometry geometry_;
  std::unique_ptr<ConvolutionKernel> direct_, winograd_;
  double gain_of_use_, cost_of_transform_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_late_winograd_convolution(const Kernels& kernels,
                                                                  const Geometry& geometry,
                                                                  const float* weight, const float* constants,
                                                                  WeightPrecision precision) {
  const auto make = [&]<class Weight>(const std::shared_ptr<const PackedKernels<Weight>>& weights) {
    return std::make_unique<LateWinogradConvolution>(kernels, geometry, weights,
                                                     constants_of(geometry, constants));
  };
  if (precision == WeightPrecision::bf16)
    return make(std::make_shared<const PackedKernels<BFloat16>>(geometry, weight, constants));
  return make(std::make_shared<const PackedKernels<float>>(geometry, weight, constants));
}

}  // namespace deepmoe
