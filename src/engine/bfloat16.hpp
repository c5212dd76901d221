#pragma once

#include <bit>
#include <cstdint>

namespace deepmoe {

/// The upper half of a float: 8 bits of exponent, 8 of precision.
struct BFloat16 {
  std::uint16_t bits = 0;
};

inline float to_float(float x) { return x; }
inline float to_float(BFloat16 x) { return std::bit_cast<float>(std::uint32_t{x.bits} << 16); }

/// The nearest number of type Weight, ties to even. `x` is finite.
template <class Weight>
Weight nearest(float x);
template <>
inline float nearest<float>(float x) {
  return x;
}
template <>
inline BFloat16 nearest<BFloat16>(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return {static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16)};
}

}  // namespace deepmoe
