#pragma once

#include <Eigen/Core>
#include <optional>

#include "analysis/co_activation.hpp"

namespace deepmoe {

struct PrincipalComponents {
  Eigen::VectorXd mean;        ///< of the samples
  Eigen::MatrixXd components;  ///< dimensions x components, orthonormal columns, the widest first
  Eigen::VectorXd variance;    ///< along each component, with samples - 1 as divisor
  Eigen::VectorXd share;       ///< of the variance of all dimensions; zeros where that is 0

  /// (samples x dimensions) in the coordinates of the components.
  Eigen::MatrixXd project(const Eigen::Ref<const SampleRows>& samples) const;
};

/// Mean and covariance of vectors in one pass, whose memory grows with the square of their length alone.
/// Batches are joined as T. Chan, G. Golub and R. LeVeque say (Updating formulae and a pairwise algorithm for
/// computing sample variances, 1979), which loses no digits to a large mean.
class Covariance {
 public:
  explicit Covariance(Eigen::Index dimensions);
  /// Samples x dimensions.
  void add(const Eigen::Ref<const SampleRows>& samples);

  /// The `count` eigenvectors (at most one for each dimension) of the covariance with the largest
  /// eigenvalues. The entry of largest size in each is positive, so that the sign is settled. Not defined for
  /// fewer than two samples. K. Pearson, On lines and planes of closest fit to systems of points in space,
  /// 1901.
  std::optional<PrincipalComponents> principal_components(Eigen::Index count) const;

 private:
  double samples_ = 0;
  Eigen::VectorXd mean_;
  Eigen::MatrixXd scatter_;  ///< sum of (x - mean)(x - mean)'
};

}  // namespace deepmoe
