#include "engine/convolution_kernel.hpp"

namespace deepmoe {
namespace {

/// Products of one sum that pay for writing results output by output.
constexpr std::int32_t least_products = 32;

/// Bytes of transformed kernels of F(4x4, 3x3) that are read once for few images without waiting.
constexpr std::size_t largest_kernels = std::size_t{4} * 1024 * 1024;

constexpr std::size_t least_pixels = 512;

/// Bytes of transformed kernels from which on their memory counts, and their way from it.
constexpr std::size_t least_late_kernels = std::size_t{8} * 1024 * 1024;

}  // namespace

std::unique_ptr<ConvolutionKernel> make_convolution(const Kernels& kernels, const Geometry& geometry,
                                                    const float* weight, const float* constants,
                                                    bool every_output, WeightPrecision precision) {
  // On planes of one pixel most of a tile's numbers would be padding, and with few inputs the transforms cost
  // more than they save.
  const bool suits_winograd = geometry.kernel == 3 && geometry.stride == 1 && geometry.padding <= 1 &&
                              geometry.out_plane() > 1 && geometry.inputs >= 8;
  // Four times the kernels for less than two thirds of the products: only where pixels are many, too.
  const std::size_t large_kernels = geometry.kernels() * large_tile_points;
  const bool suits_large = precision == WeightPrecision::fp32 && geometry.out_plane() >= least_pixels &&
                           large_kernels * sizeof(float) <= largest_kernels;
  if (suits_winograd && suits_large)
    return make_large_winograd_convolution(kernels, geometry, weight, constants);
  const bool suits_late = precision == WeightPrecision::fp32 && geometry.height > 2 && geometry.width > 2 &&
                          geometry.kernels() * tile_points * sizeof(float) >= least_late_kernels;
  if (suits_winograd && suits_late)
    return make_late_winograd_convolution(kernels, geometry, weight, constants);
  if (suits_winograd) return make_winograd_convolution(kernels, geometry, weight, constants, precision);
  const bool is_flat = geometry.kernel == 1 && geometry.stride == 1;
  const bool suits_dense = every_output && precision == WeightPrecision::fp32 &&
                           geometry.inputs * geometry.kernel * geometry.kernel >= least_products &&
                           geometry.outputs >= kernels.lanes && (!is_flat || geometry.out_plane() < 1024);
  if (suits_dense) return make_dense_convolution(kernels, geometry, weight, constants);
  return make_direct_convolution(kernels, geometry, weight, constants, precision);
}

}  // namespace deepmoe
