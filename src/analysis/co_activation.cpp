#include "analysis/co_activation.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/base.hpp"

namespace deepmoe {
namespace {

constexpr Eigen::Index exact_samples = Eigen::Index(1) << 24;

bool stronger(const RedundantPair& one, const RedundantPair& other) {
  return std::tuple(-one.correlation, one.first, one.second) <
         std::tuple(-other.correlation, other.first, other.second);
}

}  // namespace

CoActivation::CoActivation(Eigen::Index experts) : block_(Eigen::MatrixXf::Zero(experts, experts)) {}

void CoActivation::add(const Eigen::Ref<const SampleRows>& active) {
  if (active.cols() != block_.rows()) {
    fail(ErrorCode::invalid_argument, "the gates are of ", active.cols(), " experts, must be of ",
         block_.rows());
  }
  if (block_samples_ + active.rows() > exact_samples) fold();
  block_.selfadjointView<Eigen::Lower>().rankUpdate(active.transpose());
  block_samples_ += active.rows();
}

void CoActivation::fold() {
  if (counts_.size() == 0) counts_ = Eigen::MatrixXd::Zero(block_.rows(), block_.cols());
  counts_ += block_.cast<double>();
  block_.setZero();
  block_samples_ = 0;
}

Eigen::MatrixXd CoActivation::counts() const {
  Eigen::MatrixXd lower = block_.cast<double>();
  if (counts_.size() > 0) lower += counts_;
  return lower.selfadjointView<Eigen::Lower>();
}

std::optional<double> activity_correlation(double both, double first, double second, double samples) {
  const double spread = first * (samples - first) * second * (samples - second);
  if (!(spread > 0)) return std::nullopt;
  return std::clamp((samples * both - first * second) / std::sqrt(spread), -1.0, 1.0);
}

Redundancy redundancy(const Eigen::MatrixXd& counts, double samples, double least, std::int64_t keep) {
  if (counts.rows() != counts.cols()) {
    fail(ErrorCode::invalid_argument, "co-activation is ", counts.rows(), " x ", counts.cols(),
         ", must be square");
  }
  if (!(least >= -1 && least <= 1)) {
    fail(ErrorCode::invalid_argument, "the least correlation is ", least, ", must be from -1 to 1");
  }
  Redundancy result;
  const auto kept = static_cast<std::size_t>(std::max<std::int64_t>(keep, 0));
  std::vector<RedundantPair>& pairs = result.pairs;  // A heap whose front is the weakest.
  for (Eigen::Index second = 0; second < counts.rows(); ++second) {
    bool redundant = false;
    for (Eigen::Index first = 0; first < second; ++first) {
      const std::optional<double> correlation =
          activity_correlation(counts(first, second), counts(first, first), counts(second, second), samples);
      if (!correlation || *correlation < least) continue;
      redundant = true;
      ++result.all_pairs;
      pairs.push_back({first, second, *correlation});
      std::push_heap(pairs.begin(), pairs.end(), stronger);
      if (pairs.size() > kept) {
        std::pop_heap(pairs.begin(), pairs.end(), stronger);
        pairs.pop_back();
      }
    }
    if (redundant) ++result.redundant_experts;
  }
  std::sort_heap(pairs.begin(), pairs.end(), stronger);
  return result;
}

}  // namespace deepmoe
