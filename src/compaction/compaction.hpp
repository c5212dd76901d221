#pragma once

/// The door of src/compaction: a smaller network without the experts that nobody uses.

#include <cstdint>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"
#include "storage/shared_tensor.hpp"

namespace deepmoe {

/// What became of the experts of one gate.
struct GateCompaction {
  std::string name;           ///< the gate's node
  std::int64_t experts = 0;   ///< before
  std::int64_t inactive = 0;  ///< of these, the ones that were said to be inactive
  std::int64_t kept = 0;      ///< experts afterwards, the silent one included
  bool silent = false;  ///< one of those kept stands for removed ones: its gate is 0 for every image there is
  std::string reason;   ///< why inactive experts were kept; empty when none were
};

struct CompactedNetwork {
  Architecture architecture;        ///< named `<model>_compacted`, unless nothing was removed
  std::vector<SharedTensor> state;  ///< its state_dict
  std::vector<GateCompaction> gates;
};

/// Removes inactive experts: `inactive` holds a flag for each expert of each gate, in the order of
/// Architecture::gates(). `state` is the network's state_dict in f32 on the CPU; it stays unchanged, and what
/// needs no change is shared with the result.
///
/// For every image for which the gates of all inactive experts are 0, the results are the same up to
/// rounding. A removed expert's channel is a constant there, which goes into the bias of whatever reads the
/// channel. A convolution with padding sees the constant inside the image and zeros around it, which no bias
/// can say: for such readers one silent expert is kept, whose channel is 1 and whose gate is 0, whatever is
/// trained afterwards. An expert stays if something else needs its channel, such as the sum of a residual
/// block.
///
/// Errors: invalid_argument for a dense network and for flags that do not fit; format for a state that does
/// not fit.
CompactedNetwork compact(const Architecture& architecture, const std::vector<SharedTensor>& state,
                         const std::vector<std::vector<bool>>& inactive);

/// Throws Error(invalid_argument) unless 0 <= min_utilisation <= 1.
void check_min_utilisation(double min_utilisation);

/// The experts to be removed, given for how many of `samples` images each was active: those that no image
/// uses, and those that fewer than the share `min_utilisation` of the images use.
std::vector<std::vector<bool>> inactive_experts(const std::vector<std::vector<std::int64_t>>& uses,
                                                std::int64_t samples, double min_utilisation);

}  // namespace deepmoe
