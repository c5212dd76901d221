#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <random>
#include <vector>

namespace deepmoe {

using GateRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Samples x experts zeros and ones, each expert with a chance of its own.
inline GateRows random_activity(Eigen::Index samples, Eigen::Index experts, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> chances;
  for (Eigen::Index i = 0; i < experts; ++i) chances.push_back(uniform(random));
  GateRows active(samples, experts);
  for (Eigen::Index row = 0; row < samples; ++row) {
    for (Eigen::Index i = 0; i < experts; ++i) {
      active(row, i) = uniform(random) < chances[static_cast<std::size_t>(i)] ? 1.0F : 0.0F;
    }
  }
  return active;
}

}  // namespace deepmoe
