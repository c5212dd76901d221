#include "analysis/drift.hpp"

#include <algorithm>
#include <cmath>

#include "base/base.hpp"

namespace deepmoe {

ParameterDrift parameter_drift(std::span<const float> before, std::span<const float> after) {
  if (before.size() != after.size()) {
    fail(ErrorCode::invalid_argument, "the parameter has ", before.size(), " numbers before and ",
         after.size(), " after");
  }
  const auto size = static_cast<Eigen::Index>(before.size());
  double squares_before = 0, squares_after = 0, product = 0, difference = 0;
  for (Eigen::Index i = 0; i < size; ++i) {
    const double one = before[static_cast<std::size_t>(i)], two = after[static_cast<std::size_t>(i)];
    squares_before += one * one;
    squares_after += two * two;
    product += one * two;
    difference += (two - one) * (two - one);
  }
  if (!std::isfinite(squares_before) || !std::isfinite(squares_after)) {
    fail(ErrorCode::numeric, "the parameter holds NaN or infinity");
  }
  ParameterDrift drift;
  drift.norm_before = std::sqrt(squares_before);
  drift.norm_after = std::sqrt(squares_after);
  drift.distance = std::sqrt(difference);
  if (squares_before > 0) drift.relative = drift.distance / drift.norm_before;
  if (squares_before > 0 && squares_after > 0) {
    drift.cosine = std::clamp(product / (drift.norm_before * drift.norm_after), -1.0, 1.0);
  }
  return drift;
}

RoutingDrift routing_drift(const Eigen::VectorXd& before, const Eigen::VectorXd& after) {
  if (before.size() != after.size() || before.size() == 0) {
    fail(ErrorCode::invalid_argument, "the layer has ", before.size(), " experts before and ", after.size(),
         " after; drift needs the same experts");
  }
  const Eigen::ArrayXd change = (after - before).array().abs();
  RoutingDrift drift;
  drift.mean = change.mean();
  drift.largest = change.maxCoeff();
  drift.died = (before.array() > 0 && after.array() == 0).count();
  drift.revived = (before.array() == 0 && after.array() > 0).count();
  return drift;
}

}  // namespace deepmoe
