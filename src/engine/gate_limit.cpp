#include "engine/gate_limit.hpp"

#include <bit>
#include <limits>

namespace deepmoe {
namespace {

/// As Kernels::count_above takes them.
std::int32_t bits_of(float gate) {
  return std::bit_cast<std::int32_t>(gate) & std::numeric_limits<std::int32_t>::max();
}

}  // namespace

void keep_largest(const Kernels& kernels, float* gates, std::int32_t count, std::int32_t limit) {
  if (kernels.count_above(gates, count, 0) <= limit) return;
  // The bits of the smallest gate that stays, from the highest one down, until they tell it from the others:
  // no sorting, no branches on gates.
  std::int32_t smallest = 0;
  for (std::int32_t bit = 1 << 30; bit > 0; bit >>= 1) {
    const std::int32_t found = kernels.count_above(gates, count, (smallest | bit) - 1);
    if (found >= limit) smallest |= bit;
    if (found == limit) break;
  }
  std::int32_t equals_left = limit - kernels.count_above(gates, count, smallest);
  for (std::int32_t i = 0; i < count; ++i) {
    const std::int32_t bits = bits_of(gates[i]);
    const bool stays = bits > smallest || (bits == smallest && equals_left-- > 0);
    if (!stays) gates[i] = 0.0F;
  }
}

}  // namespace deepmoe
