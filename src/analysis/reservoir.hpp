#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "analysis/co_activation.hpp"

namespace deepmoe {

/// A random sample of vectors with labels from a stream of unknown length, each with the same chance; memory
/// for `capacity` of them. Algorithm R (J. Vitter, Random sampling with a reservoir, 1985). The same stream
/// and seed give the same sample.
class Reservoir {
 public:
  Reservoir(Eigen::Index dimensions, Eigen::Index capacity, std::uint64_t seed = 0);
  /// A vector in each row, and a label for each.
  void add(const Eigen::Ref<const SampleRows>& vectors, std::span<const std::int64_t> labels);

  std::int64_t seen() const { return seen_; }
  /// As many rows as were kept.
  SampleRows vectors() const;
  const std::vector<std::int64_t>& labels() const { return labels_; }

 private:
  Eigen::Index capacity_;
  SampleRows kept_;
  std::vector<std::int64_t> labels_;
  std::mt19937_64 random_;
  std::int64_t seen_ = 0;
};

}  // namespace deepmoe
