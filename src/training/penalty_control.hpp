#pragma once

#include <array>

namespace deepmoe {

/// Steers a measured share, which falls when a penalty grows, to a target: a PID controller (Astrom and
/// Hagglund, PID Controllers, 1995) of the logarithm of the penalty's weight, since it is not known in
/// advance how much penalty a network needs. Experts that were alike become silent together, hence its look
/// ahead. The share is to fall in a straight line from its first value to the target over the first half of
/// the run, and to stay there. The weight is bounded, and what a bound holds back is taken out of the
/// integral again, so that it does not wind up.
class PenaltyControl {
 public:
  /// The share of the run in which the wish falls to the target.
  static constexpr double approach = 0.5;

  /// `target` 0..1; `start` is the weight to begin with, above 0. The weight stays within start / 1000 and
  /// start * 1000.
  PenaltyControl(double target, double start);

  /// `measured` 0..1 at `time`, in lengths of the run from its start; times do not go back.
  void observe(double measured, double time);

  double weight() const;

  /// All that future weights depend on.
  struct Memory {
    double integral = 0.0;   ///< of the logarithm of weight / start
    double logarithm = 0.0;  ///< of weight / start, at present
    double measured = 0.0;   ///< smoothed
    double first = -1.0;     ///< the first measured share; below 0 before there was one
    double time = 0.0;       ///< of the last one
  };
  const Memory& memory() const { return memory_; }
  void set_memory(const Memory& memory) { memory_ = memory; }

 private:
  double target_, start_;
  Memory memory_;
};

}  // namespace deepmoe
