#include "base/base.hpp"
#include "compaction/compaction.hpp"

namespace deepmoe {

void check_min_utilisation(double min_utilisation) {
  if (min_utilisation >= 0 && min_utilisation <= 1) return;  // Not so for NaN.
  fail(ErrorCode::invalid_argument, "min_utilisation is ", min_utilisation,
       "; it is a share of the images, from 0 (remove what no image uses) to 1");
}

std::vector<std::vector<bool>> inactive_experts(const std::vector<std::vector<std::int64_t>>& uses,
                                                std::int64_t samples, double min_utilisation) {
  check_min_utilisation(min_utilisation);
  if (samples < 1) fail(ErrorCode::invalid_argument, "there are no images that could use an expert");
  std::vector<std::vector<bool>> inactive;
  for (const std::vector<std::int64_t>& layer : uses) {
    std::vector<bool>& flags = inactive.emplace_back();
    for (const std::int64_t used : layer) {
      flags.push_back(used == 0 ||
                      static_cast<double>(used) / static_cast<double>(samples) < min_utilisation);
    }
  }
  return inactive;
}

}  // namespace deepmoe
