#pragma once

#include <cstdint>
#include <vector>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// Nodes around a batch norm that a network computes as one NormChain; -1 where there is none. All but the
/// last one have no other reader, so that their values need not exist.
struct NormGroup {
  std::int32_t norm = -1;
  std::int32_t gate = -1;
  bool gate_first = false;
  std::int32_t add = -1;
  std::int32_t relu = -1;
  std::int32_t pool = -1;
  std::int32_t input = -1;     ///< what the first node of the group reads
  std::int32_t residual = -1;  ///< what is added
  std::int32_t last = -1;      ///< the node whose value is the group's
};

/// The groups of an architecture, every batch norm in exactly one, every node in at most one.
std::vector<NormGroup> find_norm_groups(const Architecture& architecture);

/// How many nodes read each node's value; being an output of the network counts as one.
std::vector<std::int32_t> count_readers(const Architecture& architecture);

}  // namespace deepmoe
