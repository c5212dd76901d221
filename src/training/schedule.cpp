#include "training/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

namespace deepmoe {
namespace {

constexpr double one_cycle_start = 1.0 / 25.0;  // shares of the learning rate at the top
constexpr double one_cycle_end = one_cycle_start / 1e4;
constexpr double one_cycle_rise = 0.3;  // share of the steps

/// From `first` (share 0) to `last` (share 1) on half a cosine.
double half_cosine(double first, double last, double share) {
  return last + (first - last) * 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(share, 1.0)));
}

double one_cycle(double done, double all) {
  const double top = one_cycle_rise * all - 1.0;
  const double last = std::max(all - 1.0, 0.0);
  if (done < top) return half_cosine(one_cycle_start, 1.0, done / top);
  return last > top ? half_cosine(1.0, one_cycle_end, (done - top) / (last - top)) : one_cycle_end;
}

}  // namespace

Schedule::Schedule(const Options& options)
    : lr_(options.real("lr")),
      gamma_(options.real("gamma")),
      warmup_epochs_(options.real("warmup_epochs")),
      epochs_(static_cast<double>(options.integer("epochs"))),
      milestones_(options.integers("milestones")) {
  const std::string name = options.text("schedule");
  course_ = name == "one_cycle" ? Course::one_cycle : name == "cosine" ? Course::cosine : Course::step;
  // A short run keeps most of its epochs at full speed.
  warmup_epochs_ = std::min(warmup_epochs_, epochs_ / 4.0);
}

double Schedule::course(std::int64_t epoch, double done, double all) const {
  switch (course_) {
    case Course::cosine:
      return half_cosine(1.0, 0.0, done / all);
    case Course::one_cycle:
      return one_cycle(done, all);
    case Course::step:
      break;
  }
  const auto passed = std::count_if(milestones_.begin(), milestones_.end(),
                                    [&](std::int64_t milestone) { return epoch >= milestone; });
  return std::pow(gamma_, static_cast<double>(passed));
}

double Schedule::learning_rate(std::int64_t epoch, std::int64_t step, std::int64_t steps_per_epoch) const {
  const auto steps = static_cast<double>(std::max<std::int64_t>(steps_per_epoch, 1));
  const double done = static_cast<double>(epoch) * steps + static_cast<double>(step);
  const double warmup = warmup_epochs_ * steps;
  const double all = epochs_ * steps - warmup;
  if (done < warmup) {
    // The first step has a learning rate too, hence the step that is about to be done counts.
    return lr_ * course(0, 0.0, all) * std::min(1.0, (done + 1.0) / warmup);
  }
  return lr_ * course(epoch, done - warmup, all);
}

}  // namespace deepmoe
