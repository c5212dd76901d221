#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "model/loss.hpp"
#include "model/precision.hpp"
#include "training/batch_mixing.hpp"
#include "training/checkpoint.hpp"
#include "training/distillation.hpp"
#include "training/evaluation.hpp"
#include "training/gate_control.hpp"
#include "training/gate_schedule.hpp"
#include "training/gradient_reduction.hpp"
#include "training/loss_scale.hpp"
#include "training/optimizer.hpp"
#include "training/process_group.hpp"
#include "training/schedule.hpp"
#include "training/step_graph.hpp"
#include "training/step_statistics.hpp"
#include "training/training.hpp"
#include "training/weight_average.hpp"

namespace deepmoe {

/// What a trainer holds between steps; shared by the step and the run.
struct Trainer::Implementation {
  /// `processes` as in Trainer.
  Implementation(std::shared_ptr<Model> model, const Options& options,
                 std::shared_ptr<ProcessGroup> processes = nullptr);

  /// One batch on the device: forward, loss, backward and, every gradient_accumulation batches, the update.
  /// `read_loss` waits for the device and returns the loss; otherwise the result is 0.
  double step(const at::Tensor& images, const at::Tensor& labels, bool read_loss);

  /// Says that the learning rate follows the schedule from here, and freezes the embedding in the last
  /// epochs.
  void begin_epoch(std::int64_t epoch, std::int64_t steps_per_epoch);
  /// The opposite: as before the first epoch.
  void leave_epochs();
  double learning_rate() const;
  /// lambda_val at present, 0 in the last epochs.
  double lambda_val() const;

  /// Throws Error(state) while the model has the averaged weights; `what` names what cannot be done then.
  void expect_own_weights(const char* what) const;

  /// Makes the statistics of batch norm those of process 0, which are what it saves; each process has
  /// gathered its own.
  void share_buffers();

  /// The images that this process trains on, of those of all.
  Shard shard() const { return {processes->rank(), processes->size(), true}; }

  /// Gives each process but the first random numbers of its own from here on.
  void part_generators();

  /// The network's outputs in training, and the teacher's where there is one.
  Network::Outputs forward(const at::Tensor& images, at::Tensor& teacher_logits);
  double plain_step(const MixedBatch& batch, bool read_loss);
  /// The same by step_graph. lambda_val takes the gates of this step in for the next.
  double graphed_step(const MixedBatch& batch, bool read_loss);
  /// A whole step that the host knows nothing of, as a graph needs it.
  StepOutputs step_on_device(const StepInputs& inputs);
  /// All that step_on_device goes by besides its inputs and options.
  std::string device_settings() const;
  /// Takes a step into the statistics; the result is that of step().
  double note_step(const StepOutputs& outputs, const at::Tensor& labels, bool read_loss);

  /// Changes the weights by the gradients that have been gathered.
  void update();
  /// Does so with this learning rate, and drops them. False: they were not finite and were left out. An
  /// optimizer that works on the device leaves them out by itself, and the host does not wait to know it; the
  /// average of the weights then takes the same weights in again.
  template <class LearningRate>
  bool use_gradients(const LearningRate& lr);
  void drop_gradients();
  /// How much of the run is over, 0..1, the last epochs with a frozen embedding not counted; outside epochs
  /// as if a run had 2000 steps.
  double time() const;

  /// Throws Error(numeric) when a step since the last reset had a loss that is not finite.
  StepStatistics::Means checked_statistics() const;
  [[noreturn]] void fail_not_finite(std::int64_t bad_step) const;

  std::shared_ptr<Model> model;
  Options options;
  std::shared_ptr<ProcessGroup> processes;
  Network& network;
  std::vector<at::Tensor> parameters;
  std::unique_ptr<Optimizer> optimizer;
  WeightAverage average;
  Schedule schedule;
  BatchMixing mixing;
  GateControl gate_control;
  GateSchedule gate_schedule;
  Distillation distillation;
  Precision precision;
  LossScale loss_scale;
  LossWeights loss_weights;
  StepStatistics statistics;
  GradientReduction reduction;
  std::unique_ptr<StepGraph> step_graph;  ///< may be null: steps are launched one operation at a time
  GateObserver gate_observer;             ///< is shown the gates of every step; may be empty
  std::int64_t accumulation;
  double gradient_clip;

  std::int64_t global_step = 0;  ///< batches done
  std::int64_t accumulated = 0;  ///< batches since the last update
  std::int64_t epoch = -1;       ///< -1: in no epoch
  std::int64_t step_in_epoch = 0;
  std::int64_t steps_per_epoch = 0;

  /// What the state was loaded from, as long as nothing was done since: a run then goes on from there.
  std::optional<Checkpoint> loaded;
};

}  // namespace deepmoe
