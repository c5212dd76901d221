#pragma once

#include <cstdint>
#include <vector>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// For each node the positions in gates() of the gates that spare work there, or -1. Set for convolutions and
/// linear layers only.
struct GateReach {
  std::vector<std::int32_t> input_gates;   ///< an inactive expert's channel is a constant of the input
  std::vector<std::int32_t> output_gates;  ///< an inactive expert's channel of the output has no reader
};
GateReach find_gate_reach(const Architecture& architecture);

}  // namespace deepmoe
