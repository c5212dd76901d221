#include "training/optimizer.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/base.hpp"
#include "model/tensor_bridge.hpp"
#include "training/optimizer_rules.hpp"

namespace deepmoe {
namespace {

at::Tensor new_slot(OptimizerSlot::Kind kind, const at::Tensor& parameter) {
  if (kind == OptimizerSlot::Kind::values) return at::zeros_like(parameter, at::TensorOptions());
  const bool on_host = kind == OptimizerSlot::Kind::host_count;
  return at::zeros({},
                   at::TensorOptions(on_host ? at::Device(at::kCPU) : parameter.device()).dtype(at::kFloat));
}

std::vector<at::Tensor> select(const std::vector<at::Tensor>& tensors,
                               const std::vector<std::size_t>& positions) {
  std::vector<at::Tensor> selected;
  selected.reserve(positions.size());
  for (const std::size_t position : positions) selected.push_back(tensors[position]);
  return selected;
}

/// Whether the numbers of one tensor lie in memory in the order of the other's, which has the same shape.
bool same_layout(const at::Tensor& left, const at::Tensor& right) {
  for (std::int64_t dimension = 0; dimension < left.dim(); ++dimension) {
    if (left.size(dimension) != 1 && left.stride(dimension) != right.stride(dimension)) return false;
  }
  return true;
}

/// The gradient of a parameter, which may come in another memory format: the kernels pair numbers by
/// position.
at::Tensor gradient_like(const at::Tensor& parameter) {
  const at::Tensor& gradient = parameter.grad();
  if (same_layout(gradient, parameter)) return gradient;
  return at::empty_like(parameter, at::TensorOptions()).copy_(gradient);
}

}  // namespace

Optimizer::Optimizer(std::vector<TrainedParameter> parameters, std::unique_ptr<UpdateRule> rule,
                     double weight_decay)
    : parameters_(std::move(parameters)),
      rule_(std::move(rule)),
      weight_decay_(weight_decay),
      slots_(rule_->slots()),
      memory_(slots_.size()) {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    for (const TrainedParameter& parameter : parameters_) {
      memory_[slot].push_back(new_slot(slots_[slot].kind, parameter.tensor));
    }
  }
  for (std::size_t position = 0; position < parameters_.size(); ++position) {
    const TrainedParameter& parameter = parameters_[position];
    auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& one) {
      return one.decay_factor == parameter.decay_factor && one.lr_factor == parameter.lr_factor;
    });
    if (group == groups_.end()) {
      group = groups_.insert(groups_.end(), {parameter.lr_factor, parameter.decay_factor, {}});
    }
    group->positions.push_back(position);
  }
}

void Optimizer::step(double lr, const at::Tensor& left_out) {
  step_groups(left_out,
              [&](const Group& group, OptimizerUpdate& update) { update.lr = lr * group.lr_factor; });
}

void Optimizer::step(const at::Tensor& lr, const at::Tensor& left_out) {
  step_groups(left_out, [&](const Group& group, OptimizerUpdate& update) {
    update.lr_on_device = group.lr_factor == 1.0 ? lr : lr * group.lr_factor;
  });
}

template <class SetLearningRate>
void Optimizer::step_groups(const at::Tensor& left_out, const SetLearningRate& set_learning_rate) {
  const c10::NoGradGuard no_gradient;
  for (const Group& group : groups_) {
    OptimizerUpdate update;
    std::vector<std::size_t> positions;
    for (const std::size_t position : group.positions) {
      const at::Tensor& parameter = parameters_[position].tensor;
      if (!parameter.grad().defined()) continue;
      positions.push_back(position);
      update.parameters.push_back(parameter);
      update.gradients.push_back(gradient_like(parameter));
    }
    if (positions.empty()) continue;
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      update.slots.push_back(select(memory_[slot], positions));
      if (slots_[slot].kind != OptimizerSlot::Kind::values) at::_foreach_add_(update.slots.back(), 1);
    }
    update.left_out = left_out;
    set_learning_rate(group, update);
    update.weight_decay = weight_decay_ * group.decay_factor;
    rule_->apply(update);
    if (!left_out.defined()) continue;
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      if (slots_[slot].kind != OptimizerSlot::Kind::device_count) continue;
      at::_foreach_sub_(update.slots[slot], std::vector<at::Tensor>(positions.size(), left_out));
    }
  }
}

std::vector<SharedTensor> Optimizer::state() const {
  std::vector<SharedTensor> state;
  for (std::size_t position = 0; position < parameters_.size(); ++position) {
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      state.push_back(
          to_shared(concat(parameters_[position].name, ".", slots_[slot].name), memory_[slot][position]));
    }
  }
  return state;
}

void Optimizer::load_state(const std::vector<SharedTensor>& state) {
  std::map<std::string, at::Tensor> given;
  for (const SharedTensor& tensor : state) {
    if (!given.emplace(tensor.name, to_torch(tensor)).second) {
      fail(ErrorCode::format, "the optimizer's state has '", tensor.name, "' twice");
    }
  }
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  for (std::size_t position = 0; position < parameters_.size(); ++position) {
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      const std::string name = concat(parameters_[position].name, ".", slots_[slot].name);
      const at::Tensor& own = memory_[slot][position];
      const auto found = given.find(name);
      if (found == given.end()) {
        fail(ErrorCode::format, "the optimizer's state has no '", name,
             "'; was it written by another optimizer or for another model?");
      }
      if (found->second.sizes() != own.sizes() || found->second.scalar_type() != own.scalar_type()) {
        fail(ErrorCode::format, "'", name, "' of the optimizer's state is ",
             at::toString(found->second.scalar_type()), " of shape ", found->second.sizes(), " instead of ",
             at::toString(own.scalar_type()), " of shape ", own.sizes());
      }
      copies.emplace_back(own, found->second);
      given.erase(found);
    }
  }
  if (!given.empty()) {
    fail(ErrorCode::format, "the optimizer's state has '", given.begin()->first,
         "', which this optimizer does not keep; was it written by another optimizer or for another model?");
  }
  for (auto& [own, value] : copies) own.copy_(value);
}

std::unique_ptr<Optimizer> make_optimizer(std::vector<TrainedParameter> parameters, const Options& options) {
  return std::make_unique<Optimizer>(std::move(parameters), make_update_rule(options),
                                     options.real("weight_decay"));
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
