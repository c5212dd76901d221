#pragma once

#include <utility>
#include <vector>

namespace deepmoe::command {

/// The density below which skipping pays: where the times of (density, time) points, highest density first,
/// fall below `dense`, the time without skipping. 1 when they are below at every density, 0 at none. Between
/// points times are taken to be straight lines.
double break_even(const std::vector<std::pair<double, double>>& points, double dense);

}  // namespace deepmoe::command
