#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "data/random.hpp"

namespace deepmoe {

/// A random order of 0..size-1 that depends on seed and epoch alone (Fisher-Yates).
inline std::vector<std::int64_t> shuffled_order(std::int64_t size, std::uint64_t seed, std::int64_t epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  // The salt keeps the order's stream apart from those of the samples.
  RandomStream random(stream_seed(seed, static_cast<std::uint64_t>(epoch), 0x6F72646572U));
  for (std::size_t remaining = order.size(); remaining > 1; --remaining) {
    std::swap(order[remaining - 1], order[random.below(remaining)]);
  }
  return order;
}

}  // namespace deepmoe
