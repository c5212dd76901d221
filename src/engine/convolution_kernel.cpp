#include "engine/convolution_kernel.hpp"

namespace deepmoe {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

/// On planes of one pixel most of a tile's numbers would be padding, and with few inputs the transforms cost
/// more than they save.
bool suits_winograd(const Geometry& geometry) {
  return geometry.kernel == 3 && geometry.stride == 1 && geometry.padding <= 1 && geometry.out_plane() > 1 &&
         geometry.inputs >= 8;
}

/// Four times the kernels for less than two thirds of the products: only where pixels are many, too, and not
/// much fewer than the numbers of kernels, of which skipping experts leaves few products each.
bool suits_large_winograd(const Geometry& geometry) {
  const std::size_t kernels = geometry.kernels() * large_tile_points;
  const std::size_t pixels = static_cast<std::size_t>(geometry.inputs) * geometry.in_plane() +
                             static_cast<std::size_t>(geometry.outputs) * geometry.out_plane();
  return geometry.out_plane() >= 512 && kernels <= 2 * pixels && kernels * sizeof(float) <= 4 * mebibyte;
}

/// Kernels that count in the memory that a network takes, and whose way from there counts in its time.
bool suits_late_winograd(const Geometry& geometry) {
  return geometry.height > 2 && geometry.width > 2 &&
         geometry.kernels() * tile_points * sizeof(float) >= 8 * mebibyte;
}

/// Sums of few products don't pay for writing results output by output. Large planes of kernels of one pixel
/// are long rows, which the direct kernel reads as they are.
bool suits_dense(const Geometry& geometry, std::int32_t lanes) {
  const bool is_row = geometry.kernel == 1 && geometry.stride == 1 && geometry.out_plane() >= 1024;
  return geometry.inputs * geometry.kernel * geometry.kernel >= 32 && geometry.outputs >= lanes && !is_row;
}

}  // namespace

std::unique_ptr<ConvolutionKernel> make_convolution(const Kernels& kernels, const Geometry& geometry,
                                                    const float* weight, const float* constants,
                                                    bool every_output, WeightPrecision precision) {
  const bool is_float = precision == WeightPrecision::fp32;
  if (suits_winograd(geometry)) {
    if (is_float && suits_large_winograd(geometry))
      return make_large_winograd_convolution(kernels, geometry, weight, constants);
    if (suits_late_winograd(geometry))
      return make_late_winograd_convolution(kernels, geometry, weight, constants, precision);
    return make_winograd_convolution(kernels, geometry, weight, constants, precision);
  }
  if (is_float && every_output && suits_dense(geometry, kernels.lanes))
    return make_dense_convolution(kernels, geometry, weight, constants);
  return make_direct_convolution(kernels, geometry, weight, constants, precision);
}

}  // namespace deepmoe
