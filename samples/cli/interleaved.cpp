#include "interleaved.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <thread>

namespace deepmoe::command {
namespace {

double milliseconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void take_turns(std::vector<Contender>& contenders, std::int64_t rounds, double block_ms) {
  // The first run of all fills caches and takes memory.
  for (Contender& contender : contenders) contender.run();
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (Contender& contender : contenders) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      const double once = milliseconds_of(contender.run);
      const int runs = std::clamp(static_cast<int>(block_ms / std::max(once, 1e-3)), 1, 1000);
      const double block = milliseconds_of([&] {
        for (int i = 0; i < runs; ++i) contender.run();
      });
      contender.times.push_back(block / runs);
    }
  }
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace deepmoe::command
