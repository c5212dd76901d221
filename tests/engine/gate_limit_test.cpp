#include "engine/gate_limit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using namespace deepmoe;

namespace {

/// By every instruction set, which agree.
std::vector<float> kept(const std::vector<float>& gates, std::int32_t limit) {
  std::vector<float> result;
  for (const std::string& target : kernel_targets()) {
    std::vector<float> kept = gates;
    keep_largest(kernels(target), kept.data(), static_cast<std::int32_t>(kept.size()), limit);
    CAPTURE(target);
    if (!result.empty()) REQUIRE(std::memcmp(kept.data(), result.data(), kept.size() * sizeof(float)) == 0);
    result = std::move(kept);
  }
  return result;
}

/// By a stable sort.
std::vector<float> expected(const std::vector<float>& gates, std::int32_t limit) {
  std::vector<std::size_t> order(gates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t left, std::size_t right) { return gates[left] > gates[right]; });
  std::vector<float> result(gates.size(), 0.0F);
  for (std::size_t i = 0; i < std::min(gates.size(), static_cast<std::size_t>(limit)); ++i) {
    result[order[i]] = gates[order[i]];
  }
  return result;
}

}  // namespace

TEST_CASE("the largest gates stay as a stable sort would have it") {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::vector<float> gates(1 + random() % 70);
    // Few different values give many equals, on some rounds.
    const bool coarse = round % 2 == 0;
    for (float& gate : gates) {
      const float value = std::normal_distribution<float>()(random);
      gate = std::max(0.0F, coarse ? std::round(value * 2.0F) : value);
    }
    const auto limit = static_cast<std::int32_t>(1 + random() % 80);
    CAPTURE(round);
    REQUIRE(kept(gates, limit) == expected(gates, limit));
  }
}

TEST_CASE("extreme gates are in order") {
  constexpr float tiny = std::numeric_limits<float>::denorm_min(),
                  huge = std::numeric_limits<float>::infinity();
  CHECK(kept({tiny, 2 * tiny, huge, 1.0F}, 1) == std::vector<float>{0.0F, 0.0F, huge, 0.0F});
  CHECK(kept({tiny, 2 * tiny, huge, 1.0F}, 3) == std::vector<float>{0.0F, 2 * tiny, huge, 1.0F});
}

TEST_CASE("gates whose every bit is set are the largest and no more than the limit stay") {
  const float every_bit = std::bit_cast<float>(0x7FFFFFFFU);
  const std::vector<float> gates = kept({every_bit, 1.0F, every_bit, every_bit}, 2);
  CHECK(std::isnan(gates[0]));
  CHECK(gates[1] == 0.0F);
  CHECK(std::isnan(gates[2]));
  CHECK(gates[3] == 0.0F);
}

TEST_CASE("a gate that is no number stays and is seen") {
  // Processors make the one with a sign.
  for (const float no_number : {std::nanf(""), std::copysign(std::nanf(""), -1.0F)}) {
    const std::vector<float> gates = kept({1.0F, no_number, 2.0F}, 1);
    CHECK(std::isnan(gates[1]));
    CHECK(gates[0] == 0.0F);
    CHECK(gates[2] == 0.0F);
  }
}

TEST_CASE("positive numbers and those that are none are listed in order") {
  std::mt19937 random(2);
  for (const std::string& target : kernel_targets()) {
    for (int round = 0; round < 300; ++round) {
      std::vector<float> x(random() % 70);
      std::vector<std::int32_t> expected;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const float numbers[] = {0.0F,         -0.0F, -1.0F, 1.0F, std::numeric_limits<float>::denorm_min(),
                                 std::nanf("")};
        x[i] = numbers[random() % std::size(numbers)];
        if (x[i] > 0 || std::isnan(x[i])) expected.push_back(static_cast<std::int32_t>(i));
      }
      std::vector<std::int32_t> places(x.size() + 1, -7);
      const std::int32_t count =
          kernels(target).list_positive(x.data(), static_cast<std::int32_t>(x.size()), places.data());
      CAPTURE(target);
      CHECK(places.back() == -7);
      places.resize(static_cast<std::size_t>(count));
      REQUIRE(places == expected);
    }
  }
}
