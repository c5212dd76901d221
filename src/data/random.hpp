#pragma once

#include <cstdint>

namespace deepmoe {

/// The finaliser of splitmix64: a bijection on 64 bits whose output looks random.
constexpr std::uint64_t mix_bits(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31);
}

/// The start of an own stream of random numbers for each (seed, first, second), e.g. (seed, epoch, index).
constexpr std::uint64_t stream_seed(std::uint64_t seed, std::uint64_t first, std::uint64_t second) {
  return mix_bits(mix_bits(mix_bits(seed) + first) + second);
}

/// Random numbers that depend on their seed alone: the same on every machine and in every thread.
class RandomStream {
 public:
  explicit constexpr RandomStream(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t next() {
    const std::uint64_t value = mix_bits(state_);
    state_ += 0x9E3779B97F4A7C15U;
    return value;
  }

  /// Uniform in [0, 1).
  constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// Uniform in [low, high).
  constexpr double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// Uniform in 0..count-1, without bias; `count` must be positive.
  constexpr std::uint64_t below(std::uint64_t count) {
    const std::uint64_t rejected = (0 - count) % count;  // 2^64 mod count
    std::uint64_t value = next();
    while (value < rejected) value = next();
    return value % count;
  }

 private:
  std::uint64_t state_;
};

}  // namespace deepmoe
