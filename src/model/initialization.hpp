#pragma once

#include "model/network.hpp"

namespace deepmoe {

/// Fills every parameter and buffer from option `seed` (in state order, so that the same options give the
/// same weights on every machine and device):
///  - convolutions: Kaiming normal, fan out, for ReLU (He et al., ICCV 2015), bias 0
///  - batch norm: weight 1, bias 0, mean 0, variance 1; with zero_init_residual the last norm before each
///  addition has
///    weight 0 (Goyal et al., arXiv 1706.02677)
///  - VGG's linear layers: N(0, 0.01), bias 0; others: uniform within 1/sqrt(inputs), as LibTorch's own
///  - gate heads, gate_init unit: bias 1 and weights N(0, 0.02/sqrt(embedding_dim)), so that every gate is
///  close to 1
///    and the network starts as the dense one; gate_init random: as the linear layers
/// Errors: invalid_argument for gate_init unit without gate_bias, which cannot start as the dense network.
void initialize(Network& network, const Options& options);

}  // namespace deepmoe
