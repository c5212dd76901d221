#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <optional>

namespace deepmoe {

/// Replaces a tensor by its sum over the processes of a distributed run.
using SumOverProcesses = std::function<void(const at::Tensor&)>;

/// Batch norm of `input`, (N, C, ...), by the statistics of the batches of all processes together, within autograd:
/// forward and backward are those of one process with all the images, but for rounding (Peng et al., MegDet, CVPR 2018).
/// Updates the running statistics by them, the variance unbiased, as LibTorch's batch norm does. Collective: every
/// process calls it as often, in the forward and in the backward pass.
at::Tensor synchronised_norm(const at::Tensor& input, const std::optional<at::Tensor>& weight,
                             const std::optional<at::Tensor>& bias, const at::Tensor& running_mean,
                             const at::Tensor& running_var, double momentum, double epsilon,
                             const SumOverProcesses& sum_over_processes);

}  // namespace deepmoe
