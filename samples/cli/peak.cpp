#include "peak.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

namespace deepmoe::command {
namespace {

// As many sums as hide the latency of a multiply-add and as stay in 16 registers with the two factors.
constexpr std::size_t sums = 12;
constexpr std::int64_t steps = 1 << 20;

using Vector16 [[gnu::vector_size(16)]] = float;
using Vector32 [[gnu::vector_size(32)]] = float;
using Vector64 [[gnu::vector_size(64)]] = float;

/// Compiled for the instruction set of the function that calls it.
template <class Vector>
[[gnu::always_inline]] inline float multiply_and_add() {
  Vector sum[sums] = {}, factor = {}, addend = {};
  factor += 0.999F;
  addend += 0.001F;
  // Equal sums would be computed once.
  for (std::size_t i = 0; i < sums; ++i) sum[i] += static_cast<float>(i);
  for (std::int64_t step = 0; step < steps; ++step) {
    for (Vector& one : sum) one = one * factor + addend;
  }
  float total = 0;
  for (const Vector& one : sum) total += one[0];
  return total;
}

using Kernel = float (*)();
float kernel_of_16_bytes() { return multiply_and_add<Vector16>(); }
#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] float kernel_of_32_bytes() { return multiply_and_add<Vector32>(); }
[[gnu::target("avx512f")]] float kernel_of_64_bytes() { return multiply_and_add<Vector64>(); }
#endif

struct Choice {
  Kernel kernel;
  std::size_t lanes;
};

Choice widest_kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {kernel_of_64_bytes, 16};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {kernel_of_32_bytes, 8};
#endif
  return {kernel_of_16_bytes, 4};
}

}  // namespace

double peak_gmacs(std::int64_t threads) {
  const Choice choice = widest_kernel();
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(threads, 1));
  const double macs = static_cast<double>(count * choice.lanes * sums) * static_cast<double>(steps);
  std::vector<float> results(count);
  double best = 0;
  for (int round = 0; round < 8; ++round) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < count; ++i) others.emplace_back([&, i] { results[i] = choice.kernel(); });
    results[0] = choice.kernel();
    for (std::thread& other : others) other.join();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    // Without a use of the results the loops could be left out.
    if (results[0] > 0) best = std::max(best, macs / elapsed.count() / 1e9);
  }
  return best;
}

}  // namespace deepmoe::command
