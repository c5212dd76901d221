#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "analysis/gate_figures.hpp"
#include "analysis/random_gates.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;
using Eigen::VectorXd;

namespace {

VectorXd one_hot(Eigen::Index size) { return VectorXd::Unit(size, 2); }

}  // namespace

TEST_CASE("density and utilisation and dead and always on experts are counted") {
  const VectorXd uses = (VectorXd(4) << 0, 10, 5, 10).finished();
  CHECK(density(uses, 10) == doctest::Approx(25.0 / 40));
  CHECK(utilisation(uses, 10).isApprox((VectorXd(4) << 0, 1, 0.5, 1).finished()));
  CHECK(dead_experts(uses, 10) == 1);
  CHECK(always_on_experts(uses, 10) == 2);
}

TEST_CASE("uniform work is as many effective experts as there are and no imbalance") {
  const VectorXd uniform = VectorXd::Constant(8, 3.0);
  CHECK(*entropy(uniform) == doctest::Approx(std::log(8.0)));
  CHECK(*effective_experts(uniform) == doctest::Approx(8));
  CHECK(*coefficient_of_variation(uniform) == doctest::Approx(0));
  CHECK(*gini(uniform) == doctest::Approx(0));
}

TEST_CASE("one expert that does everything is one effective expert and the largest imbalance") {
  CHECK(*entropy(one_hot(8)) == 0.0);
  CHECK(*effective_experts(one_hot(8)) == doctest::Approx(1));
  CHECK(*coefficient_of_variation(one_hot(8)) == doctest::Approx(std::sqrt(7.0)));
  CHECK(*gini(one_hot(8)) == doctest::Approx(1 - 1.0 / 8));
}

TEST_CASE("the Gini coefficient is the mean difference over all pairs") {
  const VectorXd weights = (VectorXd(5) << 4, 0.5, 2, 2, 9).finished();
  double differences = 0;
  for (const double one : weights) {
    for (const double other : weights) differences += std::abs(one - other);
  }
  CHECK(*gini(weights) == doctest::Approx(differences / (2 * 25 * weights.mean())));
}

TEST_CASE("a layer without work has no entropy and no imbalance") {
  const VectorXd nothing = VectorXd::Zero(3);
  CHECK_FALSE(entropy(nothing));
  CHECK_FALSE(effective_experts(nothing));
  CHECK_FALSE(coefficient_of_variation(nothing));
  CHECK_FALSE(gini(nothing));
  CHECK(density(nothing, 5) == 0);
  CHECK(dead_experts(nothing, 5) == 3);
}

TEST_CASE("figures of no experts or of no images or of impossible counts are refused") {
  const VectorXd one = VectorXd::Ones(1);
  require_error(ErrorCode::invalid_argument, {"no experts"}, [] { density(VectorXd(), 3); });
  require_error(ErrorCode::invalid_argument, {"no images"}, [&] { dead_experts(one, 0); });
  require_error(ErrorCode::invalid_argument, {"0 to the number of images", "2"},
                [&] { utilisation(3 * one, 2); });
  require_error(ErrorCode::invalid_argument, {"no experts"}, [] { entropy(VectorXd()); });
  for (const double bad :
       {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    require_error(ErrorCode::invalid_argument, {"finite and not negative"}, [&] { gini(bad * one); });
  }
}

TEST_CASE("the figures of random gates are those of plain loops") {
  const GateRows active = random_activity(70, 11, 4);
  VectorXd uses = active.cast<double>().colwise().sum().transpose();
  uses[3] = 0;
  uses[8] = 70;
  double all = 0, squares = 0, nats = 0;
  std::int64_t dead = 0, always = 0;
  for (Eigen::Index i = 0; i < 11; ++i) {
    all += uses[i];
    dead += uses[i] == 0 ? 1 : 0;
    always += uses[i] == 70 ? 1 : 0;
    CHECK(utilisation(uses, 70)[i] == doctest::Approx(uses[i] / 70));
  }
  for (Eigen::Index i = 0; i < 11; ++i) {
    squares += (uses[i] - all / 11) * (uses[i] - all / 11);
    if (uses[i] > 0) nats += uses[i] / all * std::log(all / uses[i]);
  }
  CHECK(density(uses, 70) == doctest::Approx(all / (70 * 11)));
  CHECK(dead_experts(uses, 70) == dead);
  CHECK(always_on_experts(uses, 70) == always);
  CHECK(*entropy(uses) == doctest::Approx(nats));
  CHECK(*effective_experts(uses) == doctest::Approx(std::exp(nats)));
  CHECK(*coefficient_of_variation(uses) == doctest::Approx(std::sqrt(squares / 11) / (all / 11)));
}
