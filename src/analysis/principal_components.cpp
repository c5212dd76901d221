#include "analysis/principal_components.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>

#include "base/base.hpp"

namespace deepmoe {

Eigen::MatrixXd PrincipalComponents::project(const Eigen::Ref<const SampleRows>& samples) const {
  return (samples.cast<double>().rowwise() - mean.transpose()) * components;
}

Covariance::Covariance(Eigen::Index dimensions)
    : mean_(Eigen::VectorXd::Zero(dimensions)), scatter_(Eigen::MatrixXd::Zero(dimensions, dimensions)) {}

void Covariance::add(const Eigen::Ref<const SampleRows>& samples) {
  if (samples.cols() != mean_.size()) {
    fail(ErrorCode::invalid_argument, "the vectors have ", samples.cols(), " dimensions, must have ",
         mean_.size());
  }
  if (samples.rows() == 0) return;
  const auto added = static_cast<double>(samples.rows());
  Eigen::MatrixXd centred = samples.cast<double>();
  const Eigen::VectorXd mean = centred.colwise().mean().transpose();
  centred.rowwise() -= mean.transpose();
  const Eigen::VectorXd step = mean - mean_;
  const double all = samples_ + added;
  scatter_.noalias() += centred.transpose() * centred;
  scatter_.noalias() += (samples_ * added / all) * step * step.transpose();
  mean_ += step * (added / all);
  samples_ = all;
}

std::optional<PrincipalComponents> Covariance::principal_components(Eigen::Index count) const {
  if (samples_ < 2 || mean_.size() == 0) return std::nullopt;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(scatter_ / (samples_ - 1));
  if (solver.info() != Eigen::Success) {
    fail(ErrorCode::numeric, "the covariance of ", mean_.size(),
         " dimensions has no eigenvectors that could be found");
  }
  const Eigen::Index kept = std::min(count, mean_.size());
  PrincipalComponents result;
  result.mean = mean_;
  result.components = solver.eigenvectors().rowwise().reverse().leftCols(kept);
  // Rounding may leave an eigenvalue just below 0.
  const Eigen::VectorXd eigenvalues = solver.eigenvalues().reverse().cwiseMax(0.0);
  result.variance = eigenvalues.head(kept);
  const double total = eigenvalues.sum();
  result.share =
      total > 0 ? Eigen::VectorXd(result.variance / total) : Eigen::VectorXd(Eigen::VectorXd::Zero(kept));
  for (auto column : result.components.colwise()) {
    Eigen::Index largest = 0;
    column.cwiseAbs().maxCoeff(&largest);
    if (column[largest] < 0) column = -column;
  }
  return result;
}

}  // namespace deepmoe
