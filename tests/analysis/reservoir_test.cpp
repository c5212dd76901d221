#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "analysis/reservoir.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;
using Labels = std::vector<std::int64_t>;

namespace {

/// Vectors that are their number, which is the label, too.
Reservoir sample(std::int64_t first, std::int64_t count, Reservoir reservoir) {
  for (std::int64_t i = first; i < first + count; ++i) {
    reservoir.add(SampleRows::Constant(1, 2, static_cast<float>(i)), Labels{i});
  }
  return reservoir;
}

}  // namespace

TEST_CASE("a stream that fits is kept whole") {
  const Reservoir all = sample(0, 5, Reservoir(2, 8));
  CHECK(all.labels() == Labels{0, 1, 2, 3, 4});
  CHECK(all.vectors().rows() == 5);
  CHECK(all.vectors()(4, 1) == 4);
  CHECK(all.seen() == 5);
}

TEST_CASE("a longer stream leaves as many as there is room for and vectors keep their labels") {
  const Reservoir some = sample(0, 1000, Reservoir(2, 8));
  CHECK(some.seen() == 1000);
  REQUIRE(some.labels().size() == 8);
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(some.vectors()(static_cast<Eigen::Index>(i), 0) == static_cast<float>(some.labels()[i]));
  }
  CHECK(sample(0, 1000, Reservoir(2, 8)).labels() == some.labels());
  CHECK(sample(0, 1000, Reservoir(2, 8, 1)).labels() != some.labels());
}

TEST_CASE("each of the stream has the same chance") {
  std::vector<double> kept(40, 0.0);
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const Reservoir some = sample(0, 40, Reservoir(2, 10, seed));
    for (const std::int64_t label : some.labels()) ++kept[static_cast<std::size_t>(label)];
  }
  // 1000 of 4000 are expected, with a deviation of 27.
  for (const double count : kept) CHECK(std::abs(count - 1000) < 137);
}

TEST_CASE("a reservoir refuses what does not fit") {
  Reservoir reservoir(2, 4);
  require_error(ErrorCode::invalid_argument, {"3 numbers", "2"},
                [&] { reservoir.add(SampleRows::Zero(1, 3), Labels{0}); });
  require_error(ErrorCode::invalid_argument, {"1 vectors"},
                [&] { reservoir.add(SampleRows::Zero(1, 2), Labels{}); });
  require_error(ErrorCode::invalid_argument, {"sample of 0"}, [] { Reservoir(2, 0); });
}
