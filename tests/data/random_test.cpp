#include "data/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "data/shuffle.hpp"

using namespace deepmoe;

TEST_CASE("Streams of different seeds epochs or indices differ") {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::uint64_t epoch = 0; epoch < 10; ++epoch) {
      for (std::uint64_t index = 0; index < 100; ++index) seen.insert(stream_seed(seed, epoch, index));
    }
  }
  CHECK(seen.size() == 10000);
}

TEST_CASE("Random numbers below a bound are uniform") {
  RandomStream random(7);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60000; ++i) ++counts[random.below(6)];
  for (const int count : counts) CHECK(std::abs(count - 10000) < 400);
}

TEST_CASE("Random reals stay within their range and centre in it") {
  RandomStream random(3);
  double sum = 0.0;
  for (int i = 0; i < 10000; ++i) {
    const double value = random.uniform(-2.0, 4.0);
    REQUIRE(value >= -2.0);
    REQUIRE(value < 4.0);
    sum += value;
  }
  CHECK(sum / 10000.0 == doctest::Approx(1.0).epsilon(0.1));
}

TEST_CASE("A shuffled order is a permutation that changes with seed and epoch alone") {
  const auto order = shuffled_order(1000, 5, 2);
  CHECK(std::set<std::int64_t>(order.begin(), order.end()).size() == 1000);
  CHECK(*std::min_element(order.begin(), order.end()) == 0);
  CHECK(*std::max_element(order.begin(), order.end()) == 999);
  CHECK(order == shuffled_order(1000, 5, 2));
  CHECK(order != shuffled_order(1000, 5, 3));
  CHECK(order != shuffled_order(1000, 6, 2));
  CHECK(shuffled_order(0, 1, 1).empty());
}
