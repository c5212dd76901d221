#include "training/optimizer_rules.hpp"

#include <cmath>
#include <optional>
#include <tuple>
#include <vector>

#include "base/base.hpp"

namespace deepmoe {
namespace {

using enum OptimizerSlot::Kind;
using Tensors = std::vector<at::Tensor>;

/// The gradients with weight decay as an L2 penalty on the loss; the decay of adamw and of fused kernels is
/// their own.
Tensors decayed_gradients(const OptimizerUpdate& update) {
  if (update.weight_decay == 0.0) return update.gradients;
  return at::_foreach_add(update.gradients, update.parameters, update.weight_decay);
}

std::optional<at::Tensor> optional(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

/// Calls a fused kernel, which takes the learning rate as a number or as a tensor.
template <class Work>
void with_learning_rate(const OptimizerUpdate& update, const Work& work) {
  if (update.lr_on_device.defined()) {
    work(update.lr_on_device);
  } else {
    work(update.lr);
  }
}

struct Betas {
  explicit Betas(const Options& options)
      : first(options.reals("betas").at(0)), second(options.reals("betas").at(1)) {}
  double first, second;
};

class Sgd : public UpdateRule {
 public:
  explicit Sgd(const Options& options)
      : momentum_(options.real("momentum")), nesterov_(momentum_ > 0.0 && options.boolean("nesterov")) {}

  std::vector<OptimizerSlot> slots() const override {
    if (momentum_ == 0.0) return {};
    return {{"momentum_buffer", values}};
  }

  void apply(OptimizerUpdate& update) const override {
    // From zeros, the first step gives each buffer its gradient, as torch.optim.SGD does.
    const Tensors buffers = update.slots.empty() ? Tensors() : update.slots[0];
    with_learning_rate(update, [&](const auto& lr) {
      at::_fused_sgd_(update.parameters, update.gradients, buffers, update.weight_decay, momentum_, lr,
                      /*dampening=*/0.0, nesterov_, /*maximize=*/false, /*is_first_step=*/false,
                      /*grad_scale=*/{}, optional(update.left_out));
    });
  }
  bool works_on_device() const override { return true; }

 private:
  double momentum_;
  bool nesterov_;
};

class Adam : public UpdateRule {
 public:
  Adam(const Options& options, bool decoupled_weight_decay)
      : betas_(options), epsilon_(options.real("eps")), decoupled_weight_decay_(decoupled_weight_decay) {}

  std::vector<OptimizerSlot> slots() const override {
    return {{"exp_avg", values}, {"exp_avg_sq", values}, {"step", device_count}};
  }

  void apply(OptimizerUpdate& update) const override {
    const auto& [means, squares, steps] = std::tie(update.slots[0], update.slots[1], update.slots[2]);
    with_learning_rate(update, [&](const auto& lr) {
      if (decoupled_weight_decay_) {
        at::_fused_adamw_(update.parameters, update.gradients, means, squares, {}, steps, lr, betas_.first,
                          betas_.second, update.weight_decay, epsilon_, /*amsgrad=*/false,
                          /*maximize=*/false, /*grad_scale=*/{}, optional(update.left_out));
      } else {
        at::_fused_adam_(update.parameters, update.gradients, means, squares, {}, steps, lr, betas_.first,
                         betas_.second, update.weight_decay, epsilon_, /*amsgrad=*/false, /*maximize=*/false,
                         /*grad_scale=*/{}, optional(update.left_out));
      }
    });
  }
  bool works_on_device() const override { return true; }

 private:
  Betas betas_;
  double epsilon_;
  bool decoupled_weight_decay_;
};

class Adamax : public UpdateRule {
 public:
  explicit Adamax(const Options& options) : betas_(options), epsilon_(options.real("eps")) {}

  std::vector<OptimizerSlot> slots() const override {
    return {{"exp_avg", values}, {"exp_inf", values}, {"step", host_count}};
  }

  void apply(OptimizerUpdate& update) const override {
    const auto& [means, norms, steps] = std::tie(update.slots[0], update.slots[1], update.slots[2]);
    const Tensors gradients = decayed_gradients(update);
    // m = beta1 m + (1 - beta1) g; u = max(beta2 u, |g| + eps); w = w - lr / (1 - beta1^t) m / u
    at::_foreach_lerp_(means, gradients, 1.0 - betas_.first);
    at::_foreach_mul_(norms, betas_.second);
    const Tensors sizes = at::_foreach_abs(gradients);
    at::_foreach_add_(sizes, epsilon_);
    at::_foreach_maximum_(norms, sizes);
    std::vector<at::Scalar> factors;
    for (const at::Tensor& step : steps) {
      factors.emplace_back(-update.lr / (1.0 - std::pow(betas_.first, step.item<double>())));
    }
    at::_foreach_addcdiv_(update.parameters, means, norms, factors);
  }

 private:
  Betas betas_;
  double epsilon_;
};

class RmsProp : public UpdateRule {
 public:
  explicit RmsProp(const Options& options)
      : alpha_(options.real("alpha")), epsilon_(options.real("eps")), momentum_(options.real("momentum")) {}

  std::vector<OptimizerSlot> slots() const override {
    if (momentum_ == 0.0) return {{"square_avg", values}};
    return {{"square_avg", values}, {"momentum_buffer", values}};
  }

  void apply(OptimizerUpdate& update) const override {
    const Tensors& squares = update.slots[0];
    const Tensors gradients = decayed_gradients(update);
    // v = alpha v + (1 - alpha) g^2; b = momentum b + g / (sqrt(v) + eps); w = w - lr b
    at::_foreach_mul_(squares, alpha_);
    at::_foreach_addcmul_(squares, gradients, gradients, 1.0 - alpha_);
    const Tensors scales = at::_foreach_sqrt(squares);
    at::_foreach_add_(scales, epsilon_);
    if (momentum_ == 0.0) {
      at::_foreach_addcdiv_(update.parameters, gradients, scales, -update.lr);
      return;
    }
    const Tensors& buffers = update.slots[1];
    at::_foreach_mul_(buffers, momentum_);
    at::_foreach_addcdiv_(buffers, gradients, scales);
    at::_foreach_add_(update.parameters, buffers, -update.lr);
  }

 private:
  double alpha_, epsilon_, momentum_;
};

class Adagrad : public UpdateRule {
 public:
  explicit Adagrad(const Options& options)
      : epsilon_(options.real("eps")), lr_decay_(options.real("lr_decay")) {}

  std::vector<OptimizerSlot> slots() const override { return {{"sum", values}, {"step", host_count}}; }

  void apply(OptimizerUpdate& update) const override {
    const auto& [sums, steps] = std::tie(update.slots[0], update.slots[1]);
    const Tensors gradients = decayed_gradients(update);
    // s = s + g^2; w = w - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)
    at::_foreach_addcmul_(sums, gradients, gradients);
    const Tensors scales = at::_foreach_sqrt(sums);
    at::_foreach_add_(scales, epsilon_);
    std::vector<at::Scalar> factors;
    for (const at::Tensor& step : steps) {
      factors.emplace_back(-update.lr / (1.0 + (step.item<double>() - 1.0) * lr_decay_));
    }
    at::_foreach_addcdiv_(update.parameters, gradients, scales, factors);
  }

 private:
  double epsilon_, lr_decay_;
};

class Adadelta : public UpdateRule {
 public:
  explicit Adadelta(const Options& options) : rho_(options.real("rho")), epsilon_(options.real("eps")) {}

  std::vector<OptimizerSlot> slots() const override {
    return {{"square_avg", values}, {"acc_delta", values}};
  }

  void apply(OptimizerUpdate& update) const override {
    const auto& [squares, changes] = std::tie(update.slots[0], update.slots[1]);
    const Tensors gradients = decayed_gradients(update);
    // v = rho v + (1 - rho) g^2; d = sqrt(u + eps) / sqrt(v + eps) g; u = rho u + (1 - rho) d^2; w = w - lr d
    at::_foreach_mul_(squares, rho_);
    at::_foreach_addcmul_(squares, gradients, gradients, 1.0 - rho_);
    const Tensors scales = at::_foreach_add(squares, epsilon_);
    at::_foreach_sqrt_(scales);
    const Tensors steps = at::_foreach_add(changes, epsilon_);
    at::_foreach_sqrt_(steps);
    at::_foreach_div_(steps, scales);
    at::_foreach_mul_(steps, gradients);
    at::_foreach_mul_(changes, rho_);
    at::_foreach_addcmul_(changes, steps, steps, 1.0 - rho_);
    at::_foreach_add_(update.parameters, steps, -update.lr);
  }

 private:
  double rho_, epsilon_;
};

}  // namespace

std::unique_ptr<UpdateRule> make_update_rule(const Options& options) {
  const std::string name = options.text("optimizer");
  if (name == "sgd") return std::make_unique<Sgd>(options);
  if (name == "adam") return std::make_unique<Adam>(options, false);
  if (name == "adamw") return std::make_unique<Adam>(options, true);
  if (name == "adamax") return std::make_unique<Adamax>(options);
  if (name == "rmsprop") return std::make_unique<RmsProp>(options);
  if (name == "adagrad") return std::make_unique<Adagrad>(options);
  if (name == "adadelta") return std::make_unique<Adadelta>(options);
  fail(ErrorCode::internal, "optimizer '", name, "' is declared but not known to the trainer");
}

}  // namespace deepmoe
