#include <doctest/doctest.h>

#include <cmath>
#include <limits>

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
