#include "training/gate_control.hpp"

#include <c10/core/GradMode.h>

#include <utility>

#include "base/base.hpp"
#include "model/tensor_bridge.hpp"
#include "training/named_state.hpp"

namespace deepmoe {
namespace {

constexpr std::int64_t steps_between_looks = 4;

}  // namespace

GateControl::GateControl(const Architecture& architecture, const Options& options,
                         std::shared_ptr<ProcessGroup> processes)
    : architecture_(architecture), processes_(std::move(processes)), lambda_val_(options.real("lambda_val")) {
  if (options.text("gate_select") == "topk") return;  // reached by limits: gate_schedule.hpp
  const double density = options.real("target_density"), macs = options.real("target_macs");
  if (density == 0.0 && macs == 0.0) return;
  if (density > 0.0 && macs > 0.0) {
    fail(ErrorCode::invalid_argument,
         "target_density and target_macs cannot both be reached by one lambda_val; set one of them to 0");
  }
  of_macs_ = macs > 0.0;
  const char* const name = of_macs_ ? "target_macs" : "target_density";
  if (!architecture.gated()) {
    fail(ErrorCode::invalid_argument, name, " needs gates, but network '", architecture.model,
         "' is dense; choose a network with gates, or set ", name, " to 0");
  }
  if (lambda_val_ == 0.0) {
    fail(ErrorCode::invalid_argument, name,
         " needs a lambda_val above 0 to start from, but it is 0; set it to e.g. 0.01");
  }
  if (of_macs_) {
    cost_ = cost(architecture, architecture.image_size);
    const std::vector<double> none(architecture.gates().size(), 0.0);
    const double least = active_macs(architecture, cost_, none) / static_cast<double>(cost_.dense_macs);
    if (macs <= least) {
      fail(ErrorCode::invalid_argument, "target_macs is ", macs, ", but network '", architecture.model,
           "' needs a share of ", least, " without any active expert; choose a larger one");
    }
  }
  control_.emplace(of_macs_ ? macs : density, lambda_val_);
}

double GateControl::active_share(const std::vector<at::Tensor>& gates) const {
  const c10::NoGradGuard no_gradient;
  std::vector<at::Tensor> shares;
  double experts = 0.0;
  for (const at::Tensor& layer : gates) {
    shares.push_back(layer.gt(0).to(at::kDouble).mean(1));
    experts += static_cast<double>(layer.size(1));
  }
  const at::Tensor table = at::stack(shares, 1).cpu().contiguous();  // (N, layers)
  const auto* share = table.const_data_ptr<double>();
  double sum = 0.0;
  std::vector<double> densities(gates.size());
  for (std::int64_t sample = 0; sample < table.size(0); ++sample) {
    for (std::size_t layer = 0; layer < gates.size(); ++layer, ++share) {
      densities[layer] = *share;
      if (!of_macs_) sum += *share * static_cast<double>(gates[layer].size(1)) / experts;
    }
    if (of_macs_) {
      sum += active_macs(architecture_, cost_, densities) / static_cast<double>(cost_.dense_macs);
    }
  }
  return sum / static_cast<double>(table.size(0));
}

void GateControl::observe(const std::vector<at::Tensor>& gates, std::int64_t step, double time) {
  if (control_ && step % steps_between_looks == 0) {
    control_->observe(processes_->mean(active_share(gates)), time);
  }
}

std::vector<SharedTensor> GateControl::state() const {
  if (!control_) return {};
  const PenaltyControl::Memory& memory = control_->memory();
  return {to_shared(
      "memory", at::tensor({memory.integral, memory.logarithm, memory.measured, memory.first, memory.time},
                           at::kDouble))};
}

void GateControl::load_state(const std::vector<SharedTensor>& state) {
  const at::Tensor values = at::zeros({5}, at::kDouble);
  std::vector<NamedTensor> targets;
  if (control_) targets.push_back({"memory", values});
  load_named(state, targets, "the control of the gates");
  const auto* value = values.const_data_ptr<double>();
  if (control_) control_->set_memory({value[0], value[1], value[2], value[3], value[4]});
}

}  // namespace deepmoe
