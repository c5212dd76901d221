#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "options/options.hpp"

namespace deepmoe {

/// The learning rate over a run. A plain value.
class Schedule {
 public:
  /// Reads lr, schedule, milestones, gamma, warmup_epochs (at most a quarter of the run counts) and epochs.
  explicit Schedule(const Options& options);

  /// The learning rate of step `step` (from 0) in epoch `epoch` (from 0) of steps_per_epoch steps. With t the
  /// epochs done, fractions included, and w the warm-up:
  ///  - t < w: rises linearly, reaching lr at w (Goyal et al., arXiv 1706.02677)
  ///  - step: lr * gamma^(milestones passed), changing at whole epochs
  ///  - cosine: lr * (1 + cos(pi (t - w) / (epochs - w))) / 2 (Loshchilov and Hutter, ICLR 2017)
  double learning_rate(std::int64_t epoch, std::int64_t step, std::int64_t steps_per_epoch) const;

  /// For steps that belong to no epoch.
  double base_learning_rate() const { return lr_; }

 private:
  double lr_, gamma_, warmup_epochs_;
  double epochs_;
  bool cosine_;
  std::vector<std::int64_t> milestones_;
};

}  // namespace deepmoe
