#include "analysis/distribution.hpp"

#include <algorithm>
#include <cmath>

#include "base/base.hpp"

namespace deepmoe {

Distribution::Distribution(double most, std::int64_t bins)
    : most_(most),
      width_(most / static_cast<double>(std::max<std::int64_t>(bins, 1))),
      bins_(static_cast<std::size_t>(std::max<std::int64_t>(bins, 1))) {
  if (!(most > 0) || !std::isfinite(most) || bins < 1) {
    fail(ErrorCode::invalid_argument, "a distribution needs an upper bound above 0 and a bin, not ", most,
         " and ", bins);
  }
}

void Distribution::add(double number) {
  const double slack = 1e-9 * most_;
  if (!(number >= -slack && number <= most_ + slack)) {
    fail(ErrorCode::invalid_argument, "the number ", number, " is not in 0..", most_);
  }
  const auto last = static_cast<std::int64_t>(bins_.size()) - 1;
  ++bins_[static_cast<std::size_t>(
      std::clamp<std::int64_t>(static_cast<std::int64_t>(number / width_), 0, last))];
  lowest_ = count_ == 0 ? number : std::min(lowest_, number);
  highest_ = count_ == 0 ? number : std::max(highest_, number);
  ++count_;
  const double step = number - mean_;
  mean_ += step / static_cast<double>(count_);
  squares_ += step * (number - mean_);
}

std::optional<double> Distribution::mean() const {
  if (count_ == 0) return std::nullopt;
  return mean_;
}

std::optional<double> Distribution::deviation() const {
  if (count_ == 0) return std::nullopt;
  return std::sqrt(std::max(squares_, 0.0) / static_cast<double>(count_));
}

std::optional<double> Distribution::lowest() const {
  if (count_ == 0) return std::nullopt;
  return lowest_;
}

std::optional<double> Distribution::highest() const {
  if (count_ == 0) return std::nullopt;
  return highest_;
}

std::optional<double> Distribution::quantile(double share) const {
  if (!(share >= 0 && share <= 1)) {
    fail(ErrorCode::invalid_argument, "a quantile's share is ", share, ", must be from 0 to 1");
  }
  if (count_ == 0) return std::nullopt;
  const double wanted = share * static_cast<double>(count_);
  double below = 0;
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    const auto here = static_cast<double>(bins_[i]);
    if (here > 0 && below + here >= wanted) {
      const double number = (static_cast<double>(i) + (wanted - below) / here) * width_;
      return std::clamp(number, lowest_, highest_);
    }
    below += here;
  }
  return highest_;
}

}  // namespace deepmoe
