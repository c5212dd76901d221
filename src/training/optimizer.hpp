#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "options/options.hpp"
#include "storage/shared_tensor.hpp"

namespace deepmoe {

/// A weight that learns, and how it does.
struct TrainedParameter {
  std::string name;  ///< unique among the optimizer's
  at::Tensor tensor;
  double decay_factor = 1.0;  ///< on weight_decay
  double lr_factor = 1.0;     ///< on the learning rate
};

/// What an update rule remembers of a parameter besides its value.
struct OptimizerSlot {
  enum class Kind {
    values,        ///< one number for each of the parameter's, from 0
    device_count,  ///< the number of updates so far as a scalar on the parameter's device
    host_count,    ///< the same in this process's memory
  };
  std::string name;
  Kind kind = Kind::values;
};

/// Parameters that are updated together; the lists are of the same length.
struct OptimizerUpdate {
  std::vector<at::Tensor> parameters, gradients;
  std::vector<std::vector<at::Tensor>> slots;  ///< in the order of the rule's; counts include this update
  double lr = 0.0, weight_decay = 0.0;
  at::Tensor lr_on_device;  ///< takes the place of lr where it is defined: a scalar, f32
  at::Tensor left_out;      ///< where it is defined and 1, nothing is to change: a scalar, f32, on the device
};

/// The arithmetic of one optimizer.
class UpdateRule {
 public:
  virtual ~UpdateRule() = default;
  virtual std::vector<OptimizerSlot> slots() const = 0;
  /// Whether it goes by lr_on_device and left_out, and by no other number that changes and is not on the
  /// device.
  virtual bool works_on_device() const { return false; }
  /// Changes parameters and slots, not the gradients. Called without gradient recording.
  virtual void apply(OptimizerUpdate& update) const = 0;
};

/// Updates parameters from their gradients with LibTorch's fused or multi-tensor kernels. Parameters without
/// a gradient are left alone. One thread at a time.
class Optimizer {
 public:
  Optimizer(std::vector<TrainedParameter> parameters, std::unique_ptr<UpdateRule> rule, double weight_decay);

  /// One step with learning rate `lr`; where `left_out` is defined, a scalar (f32, on the parameters'
  /// device), the step changes nothing if it is 1. That, and the rate as a scalar like it, the host need not
  /// know, so that a step which was recorded can be done again with others; only where works_on_device().
  void step(double lr, const at::Tensor& left_out = {});
  void step(const at::Tensor& lr, const at::Tensor& left_out = {});
  bool works_on_device() const { return rule_->works_on_device(); }

  /// All that future steps depend on besides parameters and gradients: for each parameter and slot a tensor
  /// "<parameter>.<slot>" with the slots' names in torch.optim (exp_avg, momentum_buffer, step, ...).
  /// Row-major, on the parameter's device (counts: scalars, there or on the CPU); may share memory with the
  /// optimizer, so write or copy it before the next step.
  std::vector<SharedTensor> state() const;

  /// Takes a state that an optimizer of the same kind over the same parameters gave, from any device, in any
  /// order: the next steps are then those of that optimizer, bit for bit. Errors: format for a tensor that
  /// is missing, unknown, given twice, or of another type or shape, naming it; then nothing has changed.
  void load_state(const std::vector<SharedTensor>& state);

 private:
  struct Group {
    double lr_factor, decay_factor;
    std::vector<std::size_t> positions;  ///< in parameters_
  };

  template <class SetLearningRate>
  void step_groups(const at::Tensor& left_out, const SetLearningRate& set_learning_rate);

  std::vector<TrainedParameter> parameters_;
  std::unique_ptr<UpdateRule> rule_;
  double weight_decay_;
  std::vector<OptimizerSlot> slots_;
  std::vector<std::vector<at::Tensor>> memory_;  ///< [slot][parameter]
  std::vector<Group> groups_;
};

/// The optimizer that option `optimizer` names, with its own options (see optimizer_rules.hpp) and
/// weight_decay times each parameter's factor.
std::unique_ptr<Optimizer> make_optimizer(std::vector<TrainedParameter> parameters, const Options& options);

/// Scales all gradients so that their joint L2 norm is at most `limit`, without reading the norm back.
void clip_gradients(const std::vector<at::Tensor>& parameters, double limit);

}  // namespace deepmoe
