#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "options/options.hpp"

namespace deepmoe {

/// Updates parameters from their gradients with LibTorch's fused kernels, which visit each number once.
/// Parameters without a gradient are left alone. One thread at a time.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// One step with learning rate `lr`.
  virtual void step(double lr) = 0;
};

/// The optimizer that option `optimizer` names, with its own options:
///  - sgd: momentum, nesterov, weight_decay (Sutskever et al., ICML 2013)
///  - adam, adamw: betas, eps, weight_decay (Kingma and Ba, ICLR 2015; Loshchilov and Hutter, ICLR 2019)
/// The same arithmetic as torch.optim's. Errors: invalid_argument for nesterov without momentum or bad betas.
std::unique_ptr<Optimizer> make_optimizer(std::vector<at::Tensor> parameters, const Options& options);

/// Scales all gradients so that their joint L2 norm is at most `limit`, without reading the norm back.
void clip_gradients(const std::vector<at::Tensor>& parameters, double limit);

}  // namespace deepmoe
