#include "analysis/removal.hpp"

#include <algorithm>
#include <memory>

#include "base/base.hpp"
#include "compaction/compaction.hpp"

namespace deepmoe {
namespace {

/// Weights that leave no channel's constant at 0 unless the network does: ones, and means of 0. All tensors
/// share one piece of memory, which compaction only reads.
std::vector<SharedTensor> stand_in_state(const Architecture& architecture) {
  std::size_t longest = 1;
  std::vector<SharedTensor> state;
  for (const ParameterSpecification& entry : parameter_specifications(architecture)) {
    if (entry.is_integer) continue;  // A counter may be absent.
    SharedTensor& tensor = state.emplace_back();
    tensor.name = entry.name;
    tensor.shape = entry.shape;
    longest = std::max(longest, static_cast<std::size_t>(tensor.elements()));
  }
  const auto ones = std::make_shared<std::vector<float>>(longest, 1.0F);
  const auto zeros = std::make_shared<std::vector<float>>(longest, 0.0F);
  for (SharedTensor& tensor : state) {
    const auto& values = tensor.name.ends_with("running_mean") ? zeros : ones;
    tensor.owner = values;
    tensor.data = values->data();
  }
  return state;
}

}  // namespace

Removal removal_of(const Architecture& architecture, std::int64_t image_size,
                   const std::vector<std::vector<bool>>& dead) {
  const CompactedNetwork smaller = compact(architecture, stand_in_state(architecture), dead);
  const Cost before = cost(architecture, image_size), after = cost(smaller.architecture, image_size);
  Removal removal;
  removal.parameters_before = before.parameters;
  removal.parameters_after = after.parameters;
  removal.dense_macs_before = before.dense_macs;
  removal.dense_macs_after = after.dense_macs;
  for (const GateCompaction& gate : smaller.gates) {
    removal.dead += gate.inactive;
    removal.removable += gate.experts - gate.kept;
  }
  return removal;
}

}  // namespace deepmoe
