#include "training/penalty_control.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace deepmoe;

namespace {

/// Experts that a task holds active, each with its own strength, and that a penalty pushes to zero: slow,
/// without any answer until the first ones get there, and without return for those that are silent.
class Experts {
 public:
  explicit Experts(double sensitivity) : sensitivity_(sensitivity), gates_(128, 1.0) {}

  double density() const {
    double sum = 0.0;
    for (const double gate : gates_) sum += active(gate);
    return sum / static_cast<double>(gates_.size());
  }

  /// `rate` is the learning rate times the step.
  void step(double weight, double rate) {
    for (std::size_t i = 0; i < gates_.size(); ++i) {
      const double place = (static_cast<double>(i) + 0.5) / static_cast<double>(gates_.size());
      const double strength = std::exp(4.0 * place - 2.0);
      gates_[i] += rate * active(gates_[i]) * (strength * (1.0 - gates_[i]) - weight * sensitivity_);
    }
  }

 private:
  /// The share of images for which an expert of this mean gate is active.
  static double active(double gate) { return 1.0 / (1.0 + std::exp(-34.0 * gate)); }

  double sensitivity_;
  std::vector<double> gates_;
};

struct Course {
  double last = 0.0, lowest = 1.0, largest_weight = 0.0, last_weight = 0.0;
};

Course simulate(double target, double sensitivity, int steps) {
  PenaltyControl control(target, 0.1);
  Experts experts(sensitivity);
  Course course;
  for (int step = 0; step < steps; ++step) {
    const double time = static_cast<double>(step) / steps;
    if (step % 4 == 0) control.observe(experts.density(), time);
    const double cosine = 0.5 + 0.5 * std::cos(3.14159265 * time);
    experts.step(control.weight(), 20.0 * cosine / steps);
    course.last = experts.density();
    course.lowest = std::min(course.lowest, course.last);
    course.largest_weight = std::max(course.largest_weight, control.weight());
    course.last_weight = control.weight();
  }
  return course;
}

}  // namespace

TEST_CASE("a penalty brings experts to the target whatever their sensitivity") {
  for (const double target : {0.7, 0.5, 0.3}) {
    for (const double sensitivity : {0.1, 1.0, 10.0}) {
      for (const int steps : {200, 1000}) {
        CAPTURE(target);
        CAPTURE(sensitivity);
        CAPTURE(steps);
        const Course course = simulate(target, sensitivity, steps);
        CHECK(std::abs(course.last - target) < 0.03);
        CHECK(course.lowest > target - 0.05);
        CHECK(course.largest_weight < 10.0 * course.last_weight);
      }
    }
  }
}

TEST_CASE("a share that does not answer leaves the weight at its bound and the integral bounded") {
  PenaltyControl control(0.5, 0.01);
  for (int step = 0; step <= 1000; ++step) control.observe(1.0, step / 1000.0);
  CHECK(control.weight() == doctest::Approx(10.0));
  // An error the other way counts at once, as nothing has added up meanwhile.
  for (int step = 0; step < 30; ++step) control.observe(0.35, 1.0 + step / 1000.0);
  CHECK(control.weight() < 0.3);
  for (int step = 0; step <= 1000; ++step) control.observe(0.0, 1.1 + step / 1000.0);
  CHECK(control.weight() == doctest::Approx(1e-5));
}

TEST_CASE("the wish falls over the first half of the run") {
  PenaltyControl early(0.2, 1.0), late(0.2, 1.0);
  early.observe(1.0, 0.0);
  CHECK(early.weight() == doctest::Approx(1.0));
  late.observe(1.0, 0.0);
  early.observe(1.0, 0.05);
  late.observe(1.0, 0.25);
  CHECK(early.weight() > 1.0);
  CHECK(late.weight() > 10.0 * early.weight());
}

TEST_CASE("a share below the target lowers the weight from the start") {
  PenaltyControl control(0.5, 1.0);
  control.observe(0.3, 0.0);
  control.observe(0.3, 0.01);
  CHECK(control.weight() < 0.5);
}

TEST_CASE("a control goes on from its memory") {
  PenaltyControl first(0.5, 1.0), second(0.5, 1.0);
  for (int step = 0; step < 50; ++step) first.observe(1.0 - 0.01 * step, step / 200.0);
  second.set_memory(first.memory());
  first.observe(0.6, 0.3);
  second.observe(0.6, 0.3);
  CHECK(first.weight() == second.weight());
  CHECK(first.weight() != 1.0);
}
