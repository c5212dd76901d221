#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "analysis/co_activation.hpp"
#include "analysis/random_gates.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;
using Eigen::MatrixXd;

namespace {

MatrixXd counts_of(const GateRows& active) {
  CoActivation pairs(active.cols());
  pairs.add(active);
  return pairs.counts();
}

}  // namespace

TEST_CASE("co-activation in batches counts the images of each pair") {
  const GateRows active = random_activity(101, 9, 1);
  CoActivation pairs(9);
  for (Eigen::Index start = 0; start < 101; start += 25) {
    pairs.add(active.middleRows(start, std::min<Eigen::Index>(25, 101 - start)));
  }
  const MatrixXd counts = pairs.counts();
  for (Eigen::Index one = 0; one < 9; ++one) {
    for (Eigen::Index other = 0; other < 9; ++other) {
      double both = 0;
      for (Eigen::Index i = 0; i < 101; ++i) both += active(i, one) != 0 && active(i, other) != 0 ? 1 : 0;
      CHECK(counts(one, other) == both);
    }
  }
}

TEST_CASE("the correlation of activity is that of Pearson") {
  const GateRows active = random_activity(80, 2, 5);
  const MatrixXd counts = counts_of(active);
  const Eigen::ArrayXd one = active.col(0).cast<double>().array() - active.col(0).cast<double>().mean();
  const Eigen::ArrayXd two = active.col(1).cast<double>().array() - active.col(1).cast<double>().mean();
  const double expected = (one * two).sum() / std::sqrt(one.square().sum() * two.square().sum());
  CHECK(*activity_correlation(counts(0, 1), counts(0, 0), counts(1, 1), 80) == doctest::Approx(expected));
}

TEST_CASE("identical experts correlate fully and independent ones not and opposite ones negatively") {
  CHECK(*activity_correlation(30, 30, 30, 100) == doctest::Approx(1));
  CHECK(*activity_correlation(25, 50, 50, 100) == doctest::Approx(0));
  CHECK(*activity_correlation(0, 50, 50, 100) == doctest::Approx(-1));
  CHECK_FALSE(activity_correlation(0, 0, 50, 100));     // dead
  CHECK_FALSE(activity_correlation(50, 100, 50, 100));  // always on
}

TEST_CASE("interchangeable experts are found and dead and always on ones are not") {
  GateRows active = random_activity(200, 7, 8);
  active.col(3) = active.col(0);
  active.col(5) = active.col(0);
  active.col(1).setZero();
  active.col(2).setZero();
  active.col(4).setOnes();
  active.col(6).setOnes();
  const Redundancy all = redundancy(counts_of(active), 200, 0.95, 10);
  REQUIRE(all.pairs.size() == 3);
  CHECK(all.all_pairs == 3);
  CHECK(all.redundant_experts == 2);
  CHECK(all.pairs[0].first == 0);
  CHECK(all.pairs[0].second == 3);
  CHECK(all.pairs[0].correlation == doctest::Approx(1));
  CHECK(all.pairs[2].first == 3);
  CHECK(all.pairs[2].second == 5);

  const Redundancy some = redundancy(counts_of(active), 200, 0.95, 1);
  CHECK(some.pairs.size() == 1);
  CHECK(some.all_pairs == 3);
  CHECK(some.pairs[0].second == 3);
}

TEST_CASE("redundant pairs are all whose correlation is large enough in order") {
  const GateRows active = random_activity(60, 10, 6);
  const MatrixXd counts = counts_of(active);
  std::vector<std::tuple<double, std::int64_t, std::int64_t>> expected;  // Minus the correlation.
  std::set<std::int64_t> redundant;
  for (Eigen::Index first = 0; first < 10; ++first) {
    for (Eigen::Index second = first + 1; second < 10; ++second) {
      const Eigen::ArrayXd one = active.col(first).cast<double>(), two = active.col(second).cast<double>();
      const double spread = std::sqrt((one - one.mean()).square().sum() * (two - two.mean()).square().sum());
      if (spread == 0) continue;
      const double correlation = ((one - one.mean()) * (two - two.mean())).sum() / spread;
      if (correlation < 0.05) continue;
      expected.emplace_back(-correlation, first, second);
      redundant.insert(second);
    }
  }
  REQUIRE(expected.size() > 3);
  std::sort(expected.begin(), expected.end());
  const Redundancy found = redundancy(counts, 60, 0.05, 1000);
  REQUIRE(found.pairs.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(found.pairs[i].correlation == doctest::Approx(-std::get<0>(expected[i])));
    CHECK(found.pairs[i].first == std::get<1>(expected[i]));
    CHECK(found.pairs[i].second == std::get<2>(expected[i]));
  }
  CHECK(found.redundant_experts == static_cast<std::int64_t>(redundant.size()));
  const Redundancy some = redundancy(counts, 60, 0.05, 3);
  REQUIRE(some.pairs.size() == 3);
  CHECK(some.pairs[2].correlation == found.pairs[2].correlation);
}

TEST_CASE("co-activation refuses what does not fit") {
  CoActivation pairs(3);
  require_error(ErrorCode::invalid_argument, {"2 experts", "3"}, [&] { pairs.add(GateRows::Zero(1, 2)); });
  require_error(ErrorCode::invalid_argument, {"square"}, [] { redundancy(MatrixXd::Zero(2, 3), 1, 0.9, 1); });
  require_error(ErrorCode::invalid_argument, {"1.5"}, [] { redundancy(MatrixXd::Zero(2, 2), 1, 1.5, 1); });
}
