#include "analysis/class_similarity.hpp"

#include <algorithm>
#include <numeric>

#include "base/base.hpp"

namespace deepmoe {

Eigen::MatrixXd routing_similarity(const Eigen::MatrixXd& activation) {
  const Eigen::VectorXd norms = activation.rowwise().norm();
  // A row of zeros stays one.
  const Eigen::MatrixXd directions =
      activation.array().colwise() / (norms.array() > 0).select(norms.array(), 1.0);
  Eigen::MatrixXd similarity = (directions * directions.transpose()).cwiseMin(1.0).cwiseMax(-1.0);
  similarity.diagonal().setOnes();
  return similarity;
}

std::vector<Eigen::Index> hierarchical_order(const Eigen::MatrixXd& similarity) {
  const Eigen::Index classes = similarity.rows();
  if (classes != similarity.cols() || !similarity.allFinite()) {
    fail(ErrorCode::invalid_argument,
         "the similarity of classes must be a square matrix of finite numbers, not ", classes, " x ",
         similarity.cols());
  }
  Eigen::MatrixXd distance = (1.0 - similarity.array()).matrix();
  std::vector<std::vector<Eigen::Index>> leaves;  // A cluster lives at the place of its first class.
  for (Eigen::Index i = 0; i < classes; ++i) leaves.push_back({i});
  const auto at = [&](Eigen::Index i) -> std::vector<Eigen::Index>& {
    return leaves[static_cast<std::size_t>(i)];
  };

  std::vector<Eigen::Index> chain;
  for (Eigen::Index merges = 0; merges + 1 < classes;) {
    if (chain.empty()) {
      Eigen::Index start = 0;
      while (at(start).empty()) ++start;
      chain.push_back(start);
    }
    const Eigen::Index last = chain.back();
    const Eigen::Index before = chain.size() > 1 ? chain[chain.size() - 2] : Eigen::Index(-1);
    // Among equals the predecessor is the nearest, or the chain would never end.
    Eigen::Index nearest = before;
    for (Eigen::Index other = 0; other < classes; ++other) {
      if (other == last || at(other).empty()) continue;
      if (nearest < 0 || distance(other, last) < distance(nearest, last)) nearest = other;
    }
    if (nearest != before) {
      chain.push_back(nearest);
      continue;
    }
    chain.resize(chain.size() - 2);
    const Eigen::Index kept = std::min(last, nearest), gone = std::max(last, nearest);
    const auto one = static_cast<double>(at(kept).size()), two = static_cast<double>(at(gone).size());
    const Eigen::VectorXd joined = (one * distance.col(kept) + two * distance.col(gone)) / (one + two);
    distance.col(kept) = joined;
    distance.row(kept) = joined.transpose();
    at(kept).insert(at(kept).end(), at(gone).begin(), at(gone).end());
    at(gone).clear();
    ++merges;
  }
  return classes > 0 ? at(0) : std::vector<Eigen::Index>();
}

}  // namespace deepmoe
