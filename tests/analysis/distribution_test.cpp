#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "analysis/distribution.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;

TEST_CASE("a distribution knows mean and deviation and bounds and bins") {
  Distribution numbers(10, 5);
  for (const double number : {0.0, 2.0, 2.5, 9.0, 10.0}) numbers.add(number);
  CHECK(numbers.count() == 5);
  CHECK(*numbers.mean() == doctest::Approx(4.7));
  CHECK(*numbers.deviation() == doctest::Approx(std::sqrt((4.0 + 6.25 + 81 + 100) / 5 - 4.7 * 4.7)));
  CHECK(*numbers.lowest() == 0);
  CHECK(*numbers.highest() == 10);
  CHECK(numbers.bins() == std::vector<std::int64_t>{1, 2, 0, 0, 2});
}

TEST_CASE("quantiles of uniform numbers are their shares") {
  Distribution numbers(1, 100);
  for (int i = 0; i < 1000; ++i) numbers.add((i + 0.5) / 1000);
  for (const double share : {0.05, 0.5, 0.95}) {
    CHECK(std::abs(*numbers.quantile(share) - share) <= numbers.bin_width());
  }
  CHECK(*numbers.quantile(0) == *numbers.lowest());
  CHECK(*numbers.quantile(1) == *numbers.highest());
}

TEST_CASE("the figures of random numbers are those of a sort") {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> sorted;
  Distribution numbers(5, 200);
  for (int i = 0; i < 700; ++i) {
    sorted.push_back(5 * uniform(random) * uniform(random));
    numbers.add(sorted.back());
  }
  std::sort(sorted.begin(), sorted.end());
  double sum = 0, squares = 0;
  for (const double number : sorted) sum += number;
  for (const double number : sorted) squares += (number - sum / 700) * (number - sum / 700);
  CHECK(*numbers.mean() == doctest::Approx(sum / 700));
  CHECK(*numbers.deviation() == doctest::Approx(std::sqrt(squares / 700)));
  CHECK(*numbers.lowest() == sorted.front());
  CHECK(*numbers.highest() == sorted.back());
  for (const double share : {0.05, 0.5, 0.95}) {
    const double exact = sorted[static_cast<std::size_t>(share * 700)];
    CHECK(std::abs(*numbers.quantile(share) - exact) <= 2 * numbers.bin_width());
  }
}

TEST_CASE("equal numbers have no deviation and none at all have no figures") {
  Distribution numbers(4, 3);
  CHECK_FALSE(numbers.mean());
  CHECK_FALSE(numbers.deviation());
  CHECK_FALSE(numbers.lowest());
  CHECK_FALSE(numbers.highest());
  CHECK_FALSE(numbers.quantile(0.5));
  for (int i = 0; i < 3; ++i) numbers.add(4);
  CHECK(*numbers.deviation() == 0);
  CHECK(*numbers.quantile(0.5) == 4);
}

TEST_CASE("a distribution refuses numbers outside its bounds") {
  Distribution numbers(4, 3);
  for (const double bad : {-1.0, 4.1, std::numeric_limits<double>::quiet_NaN()}) {
    require_error(ErrorCode::invalid_argument, {"0..4"}, [&] { numbers.add(bad); });
  }
  CHECK(numbers.count() == 0);
  require_error(ErrorCode::invalid_argument, {"above 0"}, [] { Distribution(0, 3); });
  require_error(ErrorCode::invalid_argument, {"1.5"}, [&] { numbers.quantile(1.5); });
}
