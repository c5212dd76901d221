#pragma once

#include <cstdint>
#include <vector>

#include "options/options.hpp"

namespace deepmoe {

/// The learning rate over a run. A plain value.
class Schedule {
 public:
  /// Reads lr, schedule, milestones, gamma, warmup_epochs (at most a quarter of the run counts) and epochs.
  explicit Schedule(const Options& options);

  /// The learning rate of step `step` (from 0) in epoch `epoch` (from 0) of steps_per_epoch steps. With s the
  /// steps done since the warm-up's end and S the run's steps without the warm-up:
  ///  - warm-up of W steps: rises in equal parts from lr_0 / W to lr_0, with which the course behind it
  ///  begins
  ///    (Goyal et al., arXiv 1706.02677)
  ///  - step: lr * gamma^(milestones passed), changing at whole epochs, which count from the run's start
  ///  - cosine: lr * (1 + cos(pi s / S)) / 2 (Loshchilov and Hutter, ICLR 2017)
  ///  - one_cycle: from lr / 25 up to lr at s = 0.3 S - 1, then down to lr / 250000 at the last step, each on
  ///    half a cosine; the numbers of torch.optim.lr_scheduler.OneCycleLR with its defaults, momentum staying
  ///    as it is (Smith and Topin, arXiv 1708.07120)
  double learning_rate(std::int64_t epoch, std::int64_t step, std::int64_t steps_per_epoch) const;

  /// For steps that belong to no epoch.
  double base_learning_rate() const { return lr_; }

 private:
  enum class Course { step, cosine, one_cycle };

  /// As a share of lr, `done` of `all` steps (fractions included) after the warm-up.
  double course(std::int64_t epoch, double done, double all) const;

  double lr_, gamma_, warmup_epochs_;
  double epochs_;
  Course course_;
  std::vector<std::int64_t> milestones_;
};

}  // namespace deepmoe
