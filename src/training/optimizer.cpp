#include "training/optimizer.hpp"

#include <c10/core/GradMode.h>

#include <utility>

#include "base/base.hpp"

namespace deepmoe {
namespace {

std::vector<at::Tensor> zeros_like(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> zeros;
  for (const at::Tensor& tensor : tensors) zeros.push_back(at::zeros_like(tensor, at::TensorOptions()));
  return zeros;
}

/// Positions of the parameters that have a gradient.
std::vector<std::size_t> with_gradient(const std::vector<at::Tensor>& parameters) {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].grad().defined()) positions.push_back(i);
  }
  return positions;
}

std::vector<at::Tensor> select(const std::vector<at::Tensor>& tensors,
                               const std::vector<std::size_t>& positions) {
  std::vector<at::Tensor> selected;
  selected.reserve(positions.size());
  for (const std::size_t position : positions) selected.push_back(tensors[position]);
  return selected;
}

/// Gradients may come in another memory format than their parameter; the fused kernels pair numbers by
/// position.
std::vector<at::Tensor> gradients(const std::vector<at::Tensor>& parameters) {
  std::vector<at::Tensor> result;
  result.reserve(parameters.size());
  for (const at::Tensor& parameter : parameters) {
    const at::Tensor& gradient = parameter.grad();
    result.push_back(gradient.strides() == parameter.strides() ? gradient : gradient.contiguous());
  }
  return result;
}

class Sgd : public Optimizer {
 public:
  Sgd(std::vector<at::Tensor> parameters, const Options& options)
      : parameters_(std::move(parameters)),
        momentum_(options.real("momentum")),
        weight_decay_(options.real("weight_decay")),
        nesterov_(options.boolean("nesterov")) {
    // From zeros, the first step gives each buffer its gradient, as torch.optim.SGD does.
    if (momentum_ > 0.0) buffers_ = zeros_like(parameters_);
  }

  void step(double lr) override {
    const c10::NoGradGuard no_gradient;
    const std::vector<std::size_t> positions = with_gradient(parameters_);
    if (positions.empty()) return;
    const std::vector<at::Tensor> parameters = select(parameters_, positions);
    const std::vector<at::Tensor> buffers =
        momentum_ > 0.0 ? select(buffers_, positions) : std::vector<at::Tensor>();
    at::_fused_sgd_(parameters, gradients(parameters), buffers, weight_decay_, momentum_, lr,
                    /*dampening=*/0.0, nesterov_, /*maximize=*/false, /*is_first_step=*/false);
  }

 private:
  std::vector<at::Tensor> parameters_, buffers_;
  double momentum_, weight_decay_;
  bool nesterov_;
};

class Adam : public Optimizer {
 public:
  Adam(std::vector<at::Tensor> parameters, const Options& options, bool decoupled_weight_decay)
      : parameters_(std::move(parameters)),
        means_(zeros_like(parameters_)),
        squares_(zeros_like(parameters_)),
        weight_decay_(options.real("weight_decay")),
        epsilon_(options.real("eps")),
        decoupled_weight_decay_(decoupled_weight_decay) {
    const std::vector<double> betas = options.reals("betas");
    if (betas.size() != 2 || betas[0] < 0 || betas[0] >= 1 || betas[1] < 0 || betas[1] >= 1) {
      fail(ErrorCode::invalid_argument, "betas must be two numbers from 0 up to, not including, 1, but are ",
           options.value("betas"));
    }
    beta1_ = betas[0];
    beta2_ = betas[1];
    for (const at::Tensor& parameter : parameters_) {
      steps_.push_back(at::zeros({}, parameter.options().requires_grad(false)));
    }
  }

  void step(double lr) override {
    const c10::NoGradGuard no_gradient;
    const std::vector<std::size_t> positions = with_gradient(parameters_);
    if (positions.empty()) return;
    const std::vector<at::Tensor> parameters = select(parameters_, positions);
    const std::vector<at::Tensor> steps = select(steps_, positions);
    at::_foreach_add_(steps, 1);
    const auto update = [&](auto kernel) {
      kernel(parameters, gradients(parameters), select(means_, positions), select(squares_, positions));
    };
    if (decoupled_weight_decay_) {
      update([&](at::TensorList values, at::TensorList gradient, at::TensorList mean, at::TensorList square) {
        at::_fused_adamw_(values, gradient, mean, square, {}, steps, lr, beta1_, beta2_, weight_decay_,
                          epsilon_,
                          /*amsgrad=*/false, /*maximize=*/false);
      });
    } else {
      update([&](at::TensorList values, at::TensorList gradient, at::TensorList mean, at::TensorList square) {
        at::_fused_adam_(values, gradient, mean, square, {}, steps, lr, beta1_, beta2_, weight_decay_,
                         epsilon_,
                         /*amsgrad=*/false, /*maximize=*/false);
      });
    }
  }

 private:
  std::vector<at::Tensor> parameters_, means_, squares_, steps_;
  double beta1_ = 0.9, beta2_ = 0.999, weight_decay_, epsilon_;
  bool decoupled_weight_decay_;
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(std::vector<at::Tensor> parameters, const Options& options) {
  const std::string name = options.text("optimizer");
  if (name == "sgd") {
    if (options.boolean("nesterov") && options.real("momentum") == 0.0) {
      fail(ErrorCode::invalid_argument,
           "nesterov needs a momentum above 0; set nesterov to false, or momentum to 0.9");
    }
    return std::make_unique<Sgd>(std::move(parameters), options);
  }
  if (name == "adam") return std::make_unique<Adam>(std::move(parameters), options, false);
  if (name == "adamw") return std::make_unique<Adam>(std::move(parameters), options, true);
  fail(ErrorCode::internal, "optimizer '", name, "' is declared but not known to the trainer");
}

void clip_gradients(const std::vector<at::Tensor>& parameters, double limit) {
  const c10::NoGradGuard no_gradient;
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  if (gradients.empty()) return;
  const at::Tensor norm = at::stack(at::_foreach_norm(gradients)).norm();
  // As torch.nn.utils.clip_grad_norm_: the small number keeps a norm of 0 from dividing.
  const at::Tensor scale = (limit / (norm + 1e-6)).clamp_max(1.0);
  at::_foreach_mul_(gradients, scale);
}

}  // namespace deepmoe
