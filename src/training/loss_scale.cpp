#include "training/loss_scale.hpp"

#include <c10/core/GradMode.h>

#include "model/tensor_bridge.hpp"
#include "training/named_state.hpp"

namespace deepmoe {
namespace {

constexpr double first_scale = 65536.0, growth = 2.0, backoff = 0.5;
constexpr std::int64_t growth_interval = 2000;

}  // namespace

LossScale::LossScale(Precision precision, const at::Device& device) {
  if (precision != Precision::fp16) return;
  scale_ = at::full({1}, first_scale, at::TensorOptions(device).dtype(at::kFloat));
  steps_ = at::zeros({1}, at::TensorOptions(device).dtype(at::kInt));
}

at::Tensor LossScale::scaled(const at::Tensor& loss) const { return active() ? loss * scale_[0] : loss; }

at::Tensor LossScale::unscale(const std::vector<at::Tensor>& parameters) {
  if (!active()) return {};
  const c10::NoGradGuard no_gradient;
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  at::Tensor bad = at::zeros_like(scale_);
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, bad, scale_.reciprocal());
  at::_amp_update_scale_(scale_, steps_, bad, growth, backoff, growth_interval);
  return bad[0];
}

std::vector<SharedTensor> LossScale::state() const {
  if (!active()) return {};
  return {to_shared("scale", scale_), to_shared("steps", steps_)};
}

void LossScale::load_state(const std::vector<SharedTensor>& state) {
  std::vector<NamedTensor> targets;
  if (active()) targets = {{"scale", scale_}, {"steps", steps_}};
  load_named(state, targets, "the loss scale");
}

}  // namespace deepmoe
