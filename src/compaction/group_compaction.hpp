#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"
#include "compaction/channel_groups.hpp"
#include "compaction/weights.hpp"

namespace deepmoe {

struct GroupCompaction {
  std::int64_t kept = 0;  ///< channels afterwards
  bool silent = false;    ///< one of them is silent
  std::string reason;     ///< why channels of inactive experts were kept; empty when none were
};

/// Removes those channels of a group from architecture and weights that are constants to every reader, given
/// which experts of the group's gates (by node) are inactive.
GroupCompaction compact_group(Architecture& architecture, Weights& weights, const ChannelGroup& group,
                              const std::map<std::int32_t, std::vector<bool>>& inactive);

}  // namespace deepmoe
