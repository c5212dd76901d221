#pragma once

/// How far one state of a network is from another.

#include <Eigen/Core>
#include <optional>
#include <span>

namespace deepmoe {

/// Of one parameter.
struct ParameterDrift {
  double norm_before = 0, norm_after = 0;  ///< Euclidean
  double distance = 0;                     ///< Euclidean norm of the difference
  /// distance / norm_before: 0 for no change. Not defined for a parameter that was 0 before.
  std::optional<double> relative;
  /// Between the two as vectors: 1 for the same direction. Not defined when one of them is 0.
  std::optional<double> cosine;
};

/// Throws Error(invalid_argument) for parameters of different sizes, Error(numeric) for numbers that are not
/// finite.
ParameterDrift parameter_drift(std::span<const float> before, std::span<const float> after);

/// Of the routing of one layer.
struct RoutingDrift {
  double mean = 0, largest = 0;  ///< of |utilisation after - before| over the experts
  std::int64_t died = 0;         ///< experts that were used before and are dead after
  std::int64_t revived = 0;      ///< the other way round
};

/// From the utilisation of the same experts on the same images. Throws Error(invalid_argument) for layers of
/// different sizes or without experts.
RoutingDrift routing_drift(const Eigen::VectorXd& before, const Eigen::VectorXd& after);

}  // namespace deepmoe
