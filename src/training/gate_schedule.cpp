#include "training/gate_schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "architecture/gate_selection.hpp"
#include "training/penalty_control.hpp"

namespace deepmoe {
namespace {

/// How far a schedule is, 0..1.
double progress(const std::string& shape, const std::vector<double>& window, double time) {
  if (shape == "none" || time >= window[1]) return 1.0;
  if (time <= window[0]) return 0.0;
  const double share = (time - window[0]) / (window[1] - window[0]);
  return shape == "cosine" ? 0.5 - 0.5 * std::cos(std::numbers::pi * share) : share;
}

}  // namespace

GateSchedule::GateSchedule(Model& model, const Options& options)
    : model_(model),
      experts_(expert_counts(model.architecture())),
      limits_(selected_limits(model.architecture(), options)),
      density_shape_(options.text("density_schedule")),
      influence_shape_(options.text("influence_schedule")),
      density_window_(options.reals("density_window")),
      influence_window_(options.reals("influence_window")),
      influence_(options.real("embedding_influence")),
      influence_rises_(model.is_new()) {}

void GateSchedule::apply(double time) {
  if (influence_rises_ && influence_shape_ != "none") {
    model_.set_gate_influence(influence_ * progress(influence_shape_, influence_window_, time));
  }
  if (limits_.empty()) return;
  const double done = progress(density_shape_, density_window_, time);
  std::vector<std::int64_t> limits;
  for (std::size_t gate = 0; gate < limits_.size(); ++gate) {
    const auto given_up = static_cast<double>(experts_[gate] - limits_[gate]);
    limits.push_back(experts_[gate] - static_cast<std::int64_t>(std::llround(given_up * done)));
  }
  model_.set_gate_limits(limits);
}

std::int64_t first_settled_epoch(const Options& options) {
  double end = 0.0;
  if (wishes_fewer_experts(options)) {
    if (options.text("gate_select") != "topk") {
      end = PenaltyControl::approach;
    } else if (options.text("density_schedule") != "none") {
      end = options.reals("density_window")[1];
    }
  }
  const std::int64_t epochs =
      std::max<std::int64_t>(1, options.integer("epochs") - options.integer("freeze_epochs"));
  // A window that ends in the middle of an epoch has ended after it.
  return std::clamp<std::int64_t>(
      static_cast<std::int64_t>(std::ceil(end * static_cast<double>(epochs) - 1e-9)), 1, epochs);
}

}  // namespace deepmoe
