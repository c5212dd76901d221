#include "analysis/gate_figures.hpp"

#include <algorithm>
#include <cmath>

#include "base/base.hpp"

namespace deepmoe {
namespace {

void check_uses(const Eigen::VectorXd& uses, double samples) {
  if (uses.size() == 0) fail(ErrorCode::invalid_argument, "there are no experts to describe");
  if (!(samples >= 1)) fail(ErrorCode::invalid_argument, "there are no images that could use an expert");
  if (!(uses.array() >= 0 && uses.array() <= samples).all()) {
    fail(ErrorCode::invalid_argument, "an expert's uses must be from 0 to the number of images, ", samples);
  }
}

/// The sum of the weights.
double checked_sum(const Eigen::VectorXd& weights) {
  if (weights.size() == 0) fail(ErrorCode::invalid_argument, "there are no experts to describe");
  if (!weights.allFinite() || (weights.array() < 0).any()) {
    fail(ErrorCode::invalid_argument, "an expert's weight must be finite and not negative");
  }
  return weights.sum();
}

}  // namespace

double density(const Eigen::VectorXd& uses, double samples) {
  check_uses(uses, samples);
  return uses.mean() / samples;
}

Eigen::VectorXd utilisation(const Eigen::VectorXd& uses, double samples) {
  check_uses(uses, samples);
  return uses / samples;
}

std::int64_t dead_experts(const Eigen::VectorXd& uses, double samples) {
  check_uses(uses, samples);
  return (uses.array() == 0).count();
}

std::int64_t always_on_experts(const Eigen::VectorXd& uses, double samples) {
  check_uses(uses, samples);
  return (uses.array() == samples).count();
}

std::optional<double> entropy(const Eigen::VectorXd& weights) {
  const double sum = checked_sum(weights);
  if (!(sum > 0)) return std::nullopt;
  double nats = 0;
  for (const double weight : weights) {
    const double share = weight / sum;
    if (share > 0) nats -= share * std::log(share);
  }
  return std::max(nats, 0.0);
}

std::optional<double> effective_experts(const Eigen::VectorXd& weights) {
  const std::optional<double> nats = entropy(weights);
  if (!nats) return std::nullopt;
  return std::exp(*nats);
}

std::optional<double> coefficient_of_variation(const Eigen::VectorXd& weights) {
  const double mean = checked_sum(weights) / static_cast<double>(weights.size());
  if (!(mean > 0)) return std::nullopt;
  return std::sqrt((weights.array() - mean).square().mean()) / mean;
}

std::optional<double> gini(const Eigen::VectorXd& weights) {
  const double sum = checked_sum(weights);
  if (!(sum > 0)) return std::nullopt;
  // With sorted weights, each stands above as many as its rank says, which makes n log n of the double sum.
  Eigen::VectorXd sorted = weights;
  std::sort(sorted.begin(), sorted.end());
  const auto count = static_cast<double>(sorted.size());
  double ranked = 0;
  for (Eigen::Index i = 0; i < sorted.size(); ++i)
    ranked += (2.0 * static_cast<double>(i) + 1 - count) * sorted[i];
  return std::max(ranked / (count * sum), 0.0);
}

}  // namespace deepmoe
