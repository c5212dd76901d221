#pragma once

#include <ATen/ATen.h>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// How the input (N, C, H, W) of a convolution on the CPU is to lie in memory for the convolution, its
/// gradients and the fused_norm behind it to be fastest, in the precision that LibTorch's autocast has at the
/// moment. What a convolution gets it gives on.
at::MemoryFormat fastest_layout(const at::Tensor& input, const Convolution& convolution);

/// The same for a convolution of an embedding network, which has no fused_norm behind it.
at::MemoryFormat fastest_embedding_layout(const at::Tensor& input);

}  // namespace deepmoe
