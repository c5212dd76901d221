#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "architecture/architecture.hpp"
#include "compaction/channel_groups.hpp"
#include "compaction/weights.hpp"

namespace deepmoe {

/// For each node of a group the value of each of its channels where that is the same for every pixel and
/// every image; NaN elsewhere.
using ChannelConstants = std::map<std::int32_t, std::vector<double>>;

/// Constants in evaluation mode, given which experts of the group's gates (by node) are inactive.
ChannelConstants channel_constants(const Architecture& architecture, const Weights& weights,
                                   const ChannelGroup& group,
                                   const std::map<std::int32_t, std::vector<bool>>& inactive);

}  // namespace deepmoe
