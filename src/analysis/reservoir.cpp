#include "analysis/reservoir.hpp"

#include <algorithm>

#include "base/base.hpp"

namespace deepmoe {

Reservoir::Reservoir(Eigen::Index dimensions, Eigen::Index capacity, std::uint64_t seed)
    : capacity_(capacity), kept_(capacity, dimensions), random_(seed) {
  if (capacity < 1) fail(ErrorCode::invalid_argument, "a sample of ", capacity, " vectors holds nothing");
}

void Reservoir::add(const Eigen::Ref<const SampleRows>& vectors, std::span<const std::int64_t> labels) {
  if (vectors.cols() != kept_.cols() || vectors.rows() != static_cast<Eigen::Index>(labels.size())) {
    fail(ErrorCode::invalid_argument, "there are ", vectors.rows(), " vectors of ", vectors.cols(),
         " numbers; must be ", labels.size(), " of ", kept_.cols());
  }
  for (Eigen::Index row = 0; row < vectors.rows(); ++row) {
    const std::int64_t label = labels[static_cast<std::size_t>(row)];
    ++seen_;
    if (seen_ <= capacity_) {
      kept_.row(seen_ - 1) = vectors.row(row);
      labels_.push_back(label);
      continue;
    }
    const auto place = static_cast<Eigen::Index>(random_() % static_cast<std::uint64_t>(seen_));
    if (place >= capacity_) continue;
    kept_.row(place) = vectors.row(row);
    labels_[static_cast<std::size_t>(place)] = label;
  }
}

SampleRows Reservoir::vectors() const { return kept_.topRows(static_cast<Eigen::Index>(labels_.size())); }

}  // namespace deepmoe
