#include "training/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace deepmoe {

Schedule::Schedule(const Options& options)
    : lr_(options.real("lr")),
      gamma_(options.real("gamma")),
      warmup_epochs_(options.real("warmup_epochs")),
      epochs_(static_cast<double>(options.integer("epochs"))),
      cosine_(options.text("schedule") == "cosine"),
      milestones_(options.integers("milestones")) {
  // A short run keeps most of its epochs at full speed.
  warmup_epochs_ = std::min(warmup_epochs_, epochs_ / 4.0);
}

double Schedule::learning_rate(std::int64_t epoch, std::int64_t step, std::int64_t steps_per_epoch) const {
  const auto steps = static_cast<double>(std::max<std::int64_t>(steps_per_epoch, 1));
  const double time = static_cast<double>(epoch) + static_cast<double>(step) / steps;
  if (time < warmup_epochs_) {
    // The first step has a learning rate too, hence the step that is about to be done counts.
    return lr_ * std::min(1.0, (time * steps + 1.0) / (warmup_epochs_ * steps));
  }
  if (cosine_) {
    const double share = std::min(1.0, (time - warmup_epochs_) / (epochs_ - warmup_epochs_));
    return lr_ * 0.5 * (1.0 + std::cos(std::numbers::pi * share));
  }
  const auto passed = std::count_if(milestones_.begin(), milestones_.end(),
                                    [&](std::int64_t milestone) { return epoch >= milestone; });
  return lr_ * std::pow(gamma_, static_cast<double>(passed));
}

}  // namespace deepmoe
