#pragma once

/// Which experts of one layer work for the same images.

#include <Eigen/Core>
#include <cstdint>
#include <optional>
#include <vector>

namespace deepmoe {

/// Samples x experts, as the engine hands gates out.
using SampleRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Counts for each pair of experts the images that both are active for: A' A of the matrix A of zeros and
/// ones, in one pass over the images.
class CoActivation {
 public:
  explicit CoActivation(Eigen::Index experts);
  /// `active` is samples x experts, 1 where an expert is active and 0 elsewhere.
  void add(const Eigen::Ref<const SampleRows>& active);
  /// Experts x experts, symmetric; the diagonal holds the experts' uses.
  Eigen::MatrixXd counts() const;

 private:
  /// Floats count exactly up to 2^24, and multiply twice as fast; hence a block of images at a time.
  void fold();
  Eigen::MatrixXf block_;
  Eigen::MatrixXd counts_;  ///< the lower half; empty while everything is in the block
  Eigen::Index block_samples_ = 0;
};

/// Pearson's correlation of two experts' activity (the phi coefficient; K. Pearson, 1900):
/// (N n11 - n1 n2) / sqrt(n1 (N - n1) n2 (N - n2)), 1 for experts that are active for the same images, 0 for
/// independent ones. Not defined when one of them is dead or always on.
std::optional<double> activity_correlation(double both, double first, double second, double samples);

/// Two experts that are interchangeable as far as their activity tells.
struct RedundantPair {
  std::int64_t first = 0, second = 0;
  double correlation = 0;
};

struct Redundancy {
  /// The strongest pairs, the most correlated first; among equals the first experts first.
  std::vector<RedundantPair> pairs;
  std::int64_t all_pairs = 0;  ///< how many there are, kept or not
  /// Experts whose activity an earlier expert of the layer has already.
  std::int64_t redundant_experts = 0;
};

/// The pairs whose correlation is `least` or more, of which `keep` are kept. `counts` is
/// CoActivation::counts(). Throws Error(invalid_argument) for a matrix that isn't square and for `least`
/// outside -1..1.
Redundancy redundancy(const Eigen::MatrixXd& counts, double samples, double least, std::int64_t keep);

}  // namespace deepmoe
