#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "analysis/drift.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;
using Floats = std::vector<float>;
using Eigen::VectorXd;

TEST_CASE("identical parameters have no drift and scaled ones keep their direction") {
  const Floats before = {3, 4}, twice = {6, 8}, across = {-4, 3};
  const ParameterDrift none = parameter_drift(before, before);
  CHECK(none.norm_before == doctest::Approx(5));
  CHECK(none.distance == 0);
  CHECK(*none.relative == 0);
  CHECK(*none.cosine == doctest::Approx(1));
  const ParameterDrift scaled = parameter_drift(before, twice);
  CHECK(scaled.norm_after == doctest::Approx(10));
  CHECK(*scaled.relative == doctest::Approx(1));
  CHECK(*scaled.cosine == doctest::Approx(1));
  CHECK(*parameter_drift(before, across).cosine == doctest::Approx(0));
}

TEST_CASE("a parameter that was zero has no relative drift") {
  const Floats zero = {0, 0}, other = {0, 2};
  const ParameterDrift drift = parameter_drift(zero, other);
  CHECK(drift.distance == doctest::Approx(2));
  CHECK_FALSE(drift.relative);
  CHECK_FALSE(drift.cosine);
}

TEST_CASE("routing drift counts the experts that died and those that were revived") {
  const VectorXd before = (VectorXd(4) << 0.5, 0, 0.25, 1).finished();
  const VectorXd after = (VectorXd(4) << 0, 0.1, 0.25, 0.6).finished();
  const RoutingDrift drift = routing_drift(before, after);
  CHECK(drift.mean == doctest::Approx(0.25));
  CHECK(drift.largest == doctest::Approx(0.5));
  CHECK(drift.died == 1);
  CHECK(drift.revived == 1);
}

TEST_CASE("drift of random numbers is that of the vectors and of plain loops") {
  const Eigen::VectorXf before = Eigen::VectorXf::Random(50), after = Eigen::VectorXf::Random(50);
  const ParameterDrift drift = parameter_drift({before.data(), 50}, {after.data(), 50});
  CHECK(drift.norm_before == doctest::Approx(before.norm()));
  CHECK(drift.norm_after == doctest::Approx(after.norm()));
  CHECK(drift.distance == doctest::Approx((after - before).norm()));
  CHECK(*drift.relative == doctest::Approx((after - before).norm() / before.norm()));
  CHECK(*drift.cosine == doctest::Approx(before.dot(after) / (before.norm() * after.norm())));

  const VectorXd one = (VectorXd::Random(30).array() * 5).round().abs() / 5, two = one.reverse();
  double sum = 0, largest = 0;
  std::int64_t died = 0, revived = 0;
  for (Eigen::Index i = 0; i < 30; ++i) {
    sum += std::abs(two[i] - one[i]);
    largest = std::max(largest, std::abs(two[i] - one[i]));
    died += one[i] > 0 && two[i] == 0 ? 1 : 0;
    revived += one[i] == 0 && two[i] > 0 ? 1 : 0;
  }
  const RoutingDrift routing = routing_drift(one, two);
  CHECK(routing.mean == doctest::Approx(sum / 30));
  CHECK(routing.largest == doctest::Approx(largest));
  CHECK(routing.died == died);
  CHECK(routing.revived == revived);
  CHECK(died > 0);
}

TEST_CASE("drift between different sizes or of numbers that are none is refused") {
  const Floats one = {1}, two = {1, 2}, bad = {std::numeric_limits<float>::quiet_NaN()};
  require_error(ErrorCode::invalid_argument, {"1 numbers", "2"}, [&] { parameter_drift(one, two); });
  require_error(ErrorCode::numeric, {"NaN"}, [&] { parameter_drift(one, bad); });
  require_error(ErrorCode::invalid_argument, {"same experts"},
                [] { routing_drift(VectorXd::Ones(2), VectorXd::Ones(3)); });
}
