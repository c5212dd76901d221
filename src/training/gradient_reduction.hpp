#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "training/process_group.hpp"

namespace deepmoe {

/// Makes gradients the means over the processes while a backward pass computes them, by c10d's Reducer, which
/// DistributedDataParallel uses (Li et al., PyTorch Distributed, VLDB 2020). Does nothing in a process that
/// is alone.
class GradientReduction {
 public:
  explicit GradientReduction(std::shared_ptr<ProcessGroup> processes);
  ~GradientReduction();

  /// Announces the backward pass of `loss`, behind which gradients of `parameters`, summed over the passes
  /// since the last announced one, are those means. `parameters` are leaves; those that need no gradient are
  /// left alone. Collective.
  void prepare(const std::vector<at::Tensor>& parameters, const at::Tensor& loss);
  /// backward() of `loss`, announced or not. Errors: those of ProcessGroup.
  void backward(const at::Tensor& loss) const;

 private:
  struct State;

  std::shared_ptr<ProcessGroup> processes_;
  std::unique_ptr<State> state_;
};

}  // namespace deepmoe
