#pragma once

#include <cstdint>
#include <vector>

#include "model/model.hpp"
#include "options/options.hpp"

namespace deepmoe {

/// What a training changes about the gates of a model from outside: how many experts gate_select topk keeps
/// active, and how much the embedding influences the gates. Experts that all learn first and are then given
/// up one by one keep the accuracy that a network loses in which most experts are silent from the first step,
/// and so do experts that learn before routing moves. One thread at a time.
class GateSchedule {
 public:
  /// Options read: density_schedule, density_window, embedding_influence, influence_schedule,
  /// influence_window and those of selected_limits (gate_selection.hpp). `model` must outlive it. Errors:
  /// those of selected_limits.
  GateSchedule(Model& model, const Options& options);

  /// Sets limits and influence to those at `time` (0..1), the share of the run that is over. A network that
  /// started from weights keeps its influence: its heads rely on it.
  void apply(double time);

  /// Whether the influence goes by its schedule: in the training of a new network. A training that goes on has
  /// its network from a checkpoint, and what was is to be said.
  bool influence_rises() const { return influence_rises_; }
  void let_influence_rise(bool rises) { influence_rises_ = rises; }

 private:
  Model& model_;
  std::vector<std::int64_t> experts_, limits_;  ///< of each gate; no limits: they are left as they are
  std::string density_shape_, influence_shape_;
  std::vector<double> density_window_, influence_window_;
  double influence_;
  bool influence_rises_;
};

/// The first epoch (from 1) after which as few experts are active as shall be, so that networks of different
/// epochs can be compared: 1 without target or schedule. Options read: epochs, freeze_epochs, those of
/// GateSchedule and, for the control of lambda_val (gate_control.hpp), target_density and target_macs.
std::int64_t first_settled_epoch(const Options& options);

}  // namespace deepmoe
