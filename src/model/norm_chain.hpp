#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "architecture/architecture.hpp"
#include "model/synchronised_norm.hpp"

namespace deepmoe {

/// Batch norm with what stands around it in a network, as one differentiable operation:
///   [gate ->] batch norm [-> gate] [-> + residual] [-> ReLU] [-> maximum]
struct NormChain {
  at::Tensor input;  ///< (N, C, H, W) or (N, C)
  std::optional<at::Tensor> weight, bias;
  at::Tensor running_mean, running_var;
  bool use_batch = false;  ///< normalise by, and update, batch statistics; else use the running ones
  double momentum = 0.1, epsilon = 1e-5;
  /// Adds up the batch's sums over the processes of a distributed run, in place; empty: statistics are of
  /// this process.
  const SumOverProcesses* sum_over_processes = nullptr;
  at::Tensor gates;  ///< (N, C), undefined without a gate
  bool gate_first = false;
  at::Tensor residual;  ///< shaped as the input, undefined without one
  bool relu = false;
  std::optional<MaxPool> pool;  ///< only behind a ReLU and without a residual
};

/// The chain's output, within autograd, in the type of the input, beside which a bf16 one has f32 parameters,
/// statistics and gates. On the CPU, for contiguous planes and for channels last of which
/// has_channels_last_norm knows, each pass over memory is made once, and values in between are never stored;
/// everywhere else it is composed_chain. Results do not depend
/// on the number of threads.
at::Tensor evaluate_chain(const NormChain& chain);

/// The same by LibTorch's operations, one after the other.
at::Tensor composed_chain(const NormChain& chain);

/// Whether evaluate_chain works on the chain in one piece.
bool is_fusible(const NormChain& chain);

}  // namespace deepmoe
