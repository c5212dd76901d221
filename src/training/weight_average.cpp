#include "training/weight_average.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>

#include "model/tensor_bridge.hpp"
#include "training/named_state.hpp"

namespace deepmoe {
namespace {

std::vector<at::Tensor> tensors_of(const std::vector<Network::Entry>& entries) {
  std::vector<at::Tensor> tensors;
  for (const Network::Entry& entry : entries) tensors.push_back(entry.tensor);
  return tensors;
}

}  // namespace

WeightAverage::WeightAverage(const Network& network, double decay)
    : decay_(decay), updates_(at::zeros({1}, at::kLong)) {
  if (!exists()) return;
  for (const Network::Entry& entry : network.state()) {
    if (!entry.tensor.is_floating_point()) continue;
    entries_.push_back(entry);
    averages_.push_back(entry.tensor.detach().clone());
  }
}

void WeightAverage::update() {
  if (!exists()) return;
  const c10::NoGradGuard no_gradient;
  const auto count = static_cast<double>(updates_.add_(1).item<std::int64_t>());
  const double kept = std::min(decay_, (1.0 + count) / (10.0 + count));
  at::_foreach_lerp_(averages_, tensors_of(entries_), 1.0 - kept);
}

void WeightAverage::finish() {
  if (!exists()) return;
  const c10::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < entries_.size(); ++i) entries_[i].tensor.copy_(averages_[i]);
}

void WeightAverage::use(bool averaged) {
  if (averaged == in_use_) return;
  in_use_ = averaged;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const at::Tensor present = entries_[i].tensor.tensor_data();
    entries_[i].tensor.set_data(averages_[i]);
    averages_[i] = present;
  }
}

std::vector<SharedTensor> WeightAverage::state() const {
  if (!exists()) return {};
  std::vector<SharedTensor> state;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    state.push_back(to_shared(entries_[i].specification.name, averages_[i]));
  }
  state.push_back(to_shared("updates", updates_));
  return state;
}

void WeightAverage::load_state(const std::vector<SharedTensor>& state) {
  std::vector<NamedTensor> targets;
  if (exists()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      targets.push_back({entries_[i].specification.name, averages_[i]});
    }
    targets.push_back({"updates", updates_});
  }
  load_named(state, targets, "the average of the weights");
}

}  // namespace deepmoe
