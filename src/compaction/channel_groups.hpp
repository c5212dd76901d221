#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// A convolution or linear layer that reads the channels of a group.
struct ChannelReader {
  std::int32_t node;
  std::int32_t source;  ///< the node that it reads
  std::int64_t block;   ///< its weight's columns for one channel: more than 1 behind a flattened image
};

/// The nodes between one producer of channels (a convolution or linear layer) and their readers. Each of them
/// makes channel c of channel c alone, so that a channel can be removed from all of them or from none.
struct ChannelGroup {
  std::int32_t producer = -1;
  std::int64_t channels = 0;
  std::vector<std::int32_t> members;  ///< the producer and those after it, in network order
  std::vector<ChannelReader> readers;
  std::string pinned;  ///< why none of its channels can be removed; empty when they can
};

/// The groups that hold gates, in network order. Channels of sums, images and outputs are in pinned groups.
std::vector<ChannelGroup> find_channel_groups(const Architecture& architecture);

}  // namespace deepmoe
