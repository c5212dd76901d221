#pragma once

/// How many experts the gates of a network keep active, to meet a wish for their share or for the MACs.

#include <cstdint>
#include <vector>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// The number of experts that each gate decides over, in the order of gates().
std::vector<std::int64_t> expert_counts(const Architecture& architecture);

/// The share of the dense MACs that a sample needs in which each gate has as many active experts as its limit
/// (0: all). `limits` are in the order of gates().
double limited_macs(const Architecture& architecture, const Cost& cost,
                    const std::vector<std::int64_t>& limits);

/// Whether the options wish that fewer than all experts are active: by gate_density, target_density or
/// target_macs.
bool wishes_fewer_experts(const Options& options);

/// The limits that the options ask for, in the order of gates(); empty when they ask for none (gate_select
/// relu, or topk without a wish). Options read: gate_select, gate_density, target_density, target_macs and
/// limited_gates (inner: the gates that spare a convolution outputs and a later node inputs; a list of
/// gate_density means every gate itself). A share becomes the nearest whole number of experts, at least 1.
/// For target_macs every gate gets the same share, and single experts are then added where most of one was
/// cut off, as long as the MACs (of images of the architecture's size) stay within it. Errors:
/// invalid_argument for more than one of the three wishes, a gate_density below 1 with gate_select relu, a
/// gate_density that is not one number or one a gate, a wish for a network without gates, and a target_macs
/// that is less than the network needs with one expert a gate.
std::vector<std::int64_t> selected_limits(const Architecture& architecture, const Options& options);

/// Sets the limits of all gates, in the order of gates(); one of all experts is none.
void set_active_limits(Architecture& architecture, const std::vector<std::int64_t>& limits);

/// Sets the influence of the embedding on all gates.
void set_embedding_influence(Architecture& architecture, double influence);

}  // namespace deepmoe
