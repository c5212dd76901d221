#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <vector>

#include "architecture/architecture.hpp"
#include "options/options.hpp"
#include "storage/shared_tensor.hpp"
#include "training/penalty_control.hpp"
#include "training/process_group.hpp"

namespace deepmoe {

/// lambda_val over a run: that of the options or, with target_density or target_macs and gate_select relu,
/// what brings the active share of the experts or of the MACs there. One thread at a time.
class GateControl {
 public:
  /// Options read: gate_select, lambda_val, target_density, target_macs, image_size. `architecture` must
  /// outlive it. Errors: invalid_argument for both targets at a time, a target for a dense network,
  /// lambda_val 0 with a target, or fewer MACs than the network has without any active expert.
  GateControl(const Architecture& architecture, const Options& options,
              std::shared_ptr<ProcessGroup> processes = std::make_shared<ProcessGroup>());

  /// Takes in the gates (N, experts) of each layer in step `step`, `time` run lengths from the start. Without
  /// a target nothing happens. Looks at every fourth step, and waits for the device and, in a distributed
  /// run, for the other processes then, as all of them steer alike.
  void observe(const std::vector<at::Tensor>& gates, std::int64_t step, double time);

  double lambda_val() const { return control_ ? control_->weight() : lambda_val_; }

  /// The controller's memory as one f64 tensor "memory", a copy; empty without a target.
  std::vector<SharedTensor> state() const;
  /// Takes the state of another one. Errors: format for a tensor that is missing, unknown or misshapen.
  void load_state(const std::vector<SharedTensor>& state);

 private:
  double active_share(const std::vector<at::Tensor>& gates) const;

  const Architecture& architecture_;
  std::shared_ptr<ProcessGroup> processes_;
  double lambda_val_;
  bool of_macs_ = false;
  Cost cost_;
  std::optional<PenaltyControl> control_;
};

}  // namespace deepmoe
