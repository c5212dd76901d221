#pragma once

#include <cstdint>
#include <vector>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// What a network would be without its dead experts.
struct Removal {
  std::int64_t dead = 0;
  /// Of these, the ones that compaction can take out: an expert stays where something else needs its channel,
  /// and one stands for all removed ones where a padded convolution sees their constant.
  std::int64_t removable = 0;
  std::int64_t parameters_before = 0, parameters_after = 0;
  std::int64_t dense_macs_before = 0, dense_macs_after = 0;  ///< of an image
};

/// `dead` holds a flag for each expert of each gate, in the order of the network. Exact but for constants
/// that happen to be 0 in the network at hand, which would let compaction take out one expert more. Throws
/// Error(invalid_argument) for a dense network and for flags that do not fit.
Removal removal_of(const Architecture& architecture, std::int64_t image_size,
                   const std::vector<std::vector<bool>>& dead);

}  // namespace deepmoe
