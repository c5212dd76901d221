#include "break_even.hpp"

#include <cstddef>

namespace deepmoe::command {

double break_even(const std::vector<std::pair<double, double>>& points, double dense) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto [density, time] = points[i];
    if (time > dense) continue;
    if (i == 0) return density;
    const auto [density_above, time_above] = points[i - 1];
    return density + (density_above - density) * (dense - time) / (time_above - time);
  }
  return 0;
}

}  // namespace deepmoe::command
