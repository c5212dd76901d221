#include "engine/convolution_kernel.hpp"

namespace deepmoe {

std::unique_ptr<ConvolutionKernel> make_convolution(const Kernels& kernels, const Geometry& geometry,
                                                    const float* weight, const float* constants,
                                                    bool every_channel, Precision precision) {
  // On planes of one pixel most of a tile's numbers would be padding, and with few inputs the transforms cost
  // more than they save.
  const bool suits_winograd = geometry.kernel == 3 && geometry.stride == 1 && geometry.padding <= 1 &&
                              geometry.out_plane() > 1 && geometry.inputs >= 8;
  if (suits_winograd) return make_winograd_convolution(kernels, geometry, weight, constants, precision);
  // Results are written output by output, which short sums don't pay for.
  const bool suits_dense = every_channel && geometry.inputs >= 8 && geometry.outputs >= kernels.lanes;
  if (suits_dense) return make_dense_convolution(kernels, geometry, weight);
  return make_direct_convolution(kernels, geometry, weight, constants, precision);
}

}  // namespace deepmoe
