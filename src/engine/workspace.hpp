#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/aligned_buffer.hpp"
#include "engine/plan.hpp"

namespace deepmoe {

/// The memory of one run over a few samples. Made once and used again: fresh pages cost more than the work in
/// them.
struct Workspace {
  Workspace(const Plan& plan, std::int32_t capacity_of, int team_size_of)
      : capacity(capacity_of),
        team_size(team_size_of),
        layout(plan.buffers.lay_out({std::min(plan.pass_sizes.early, static_cast<std::size_t>(capacity)),
                                     static_cast<std::size_t>(capacity)})),
        values(layout.floats),
        gates(static_cast<std::size_t>(capacity) * static_cast<std::size_t>(plan.experts)),
        scratch(plan.scratch_floats(capacity, team_size)),
        finishes(static_cast<std::size_t>(capacity) * 3 * plan.widest),
        lists(static_cast<std::size_t>(capacity) * static_cast<std::size_t>(plan.experts)),
        counts(static_cast<std::size_t>(capacity) * plan.gate_offsets.size()),
        inputs(static_cast<std::size_t>(capacity)),
        outputs(static_cast<std::size_t>(capacity)) {}

  std::size_t bytes() const {
    return values.bytes() + gates.bytes() + scratch.bytes() + finishes.bytes() +
           lists.size() * sizeof(std::int32_t);
  }

  std::int32_t capacity;  ///< samples
  int team_size;
  BufferLayout layout;
  AlignedBuffer values;
  AlignedBuffer gates;     ///< (sample, experts of all gates)
  AlignedBuffer scratch;   ///< of the kernels
  AlignedBuffer finishes;  ///< (sample, scale | offset | input scale, channel)
  std::vector<std::int32_t>
      lists;  ///< active experts, (sample, experts of all gates), the first of each gate
  std::vector<std::int32_t> counts;  ///< of active experts, (sample, gate)
  std::vector<SampleInput> inputs;
  std::vector<SampleOutput> outputs;
};

}  // namespace deepmoe
