#include "training/penalty_control.hpp"

#include <algorithm>
#include <cmath>

namespace deepmoe {
namespace {

// Times are shares of the run.
constexpr double gain = 6.0;              // an error of 0.1 makes the weight 1.8 times as large
constexpr double integral_time = 0.1;     // in which a lasting error counts twice
constexpr double derivative_time = 0.03;  // by which a change of the share is looked ahead
constexpr double filter_time = 0.005;     // in which the measured share is smoothed
const double bound = std::log(1000.0);

}  // namespace

PenaltyControl::PenaltyControl(double target, double start) : target_(target), start_(start) {}

void PenaltyControl::observe(double measured, double time) {
  if (memory_.first < 0.0) {
    memory_.first = memory_.measured = measured;
    memory_.time = time;
  }
  const double elapsed = std::max(0.0, time - memory_.time);
  memory_.time = std::max(time, memory_.time);
  const double slope = (measured - memory_.measured) / (filter_time + elapsed);
  memory_.measured += slope * elapsed;

  const double left = std::max(0.0, 1.0 - memory_.time / approach);
  const double wish = target_ + std::max(0.0, memory_.first - target_) * left;
  const double error = memory_.measured - wish;
  memory_.integral += gain * error * elapsed / integral_time;
  const double wanted = gain * error + memory_.integral;
  const double possible = std::clamp(wanted, -bound, bound);
  // What a bound holds back must not add up, or the weight would stay there long after the error is gone.
  memory_.integral -= wanted - possible;
  memory_.logarithm = std::clamp(possible + gain * derivative_time * slope, -bound, bound);
}

double PenaltyControl::weight() const { return start_ * std::exp(memory_.logarithm); }

}  // namespace deepmoe
