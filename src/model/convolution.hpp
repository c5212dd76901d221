#pragma once

#include <ATen/ATen.h>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// The convolution of `input` (N, C, H, W) with `weight` (O, C, k, k) and `bias` (O) or none, within
/// autograd. The same sums as at::conv2d, but taps of the kernel that read nothing but padding are left out,
/// and a convolution that covers its whole input is a matrix product: on the last planes of a network for
/// small images (1x1, 2x2) that is most of the work.
at::Tensor convolve(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                    const Convolution& convolution);

}  // namespace deepmoe
