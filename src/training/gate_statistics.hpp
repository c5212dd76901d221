#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "architecture/architecture.hpp"
#include "model/loss.hpp"
#include "training/process_group.hpp"
#include "training/checkpoint.hpp"

namespace deepmoe {

/// What the gates of many images say about each layer. Sums stay on the device, so that adding a batch never
/// waits for it.
class GateStatistics {
 public:
  /// `architecture`, which is gated, must outlive this object.
  GateStatistics(const Architecture& architecture, GateNorm norm, const at::Device& device);

  /// Adds a batch: (N, experts) for each layer, in network order.
  void add(const std::vector<at::Tensor>& gates);
  void reset();
  /// Adds what the other processes of a distributed run have added to theirs. Collective.
  void gather(ProcessGroup& processes);

  /// Waits for the device. Null when nothing was added; else {"layers": [...], "experts", "density",
  /// "dead_experts", "always_on_experts", "effective_experts", "dead_layers", "gate_loss"}. Each layer has
  /// {"name", "experts"} and
  ///  - "density": the share of its experts that is active, as a mean over the images
  ///  - "dead_experts": how many are active for none of the images
  ///  - "always_on_experts": how many are active for all of them
  ///  - "effective_experts": exp of the entropy of the experts' mean gates, divided by their sum: as many
  ///    experts with equal means would be as unequal (the Hill number of order 1: Hill, Diversity and
  ///    evenness, Ecology 54, 1973); 0 for a layer without any active expert
  ///  - "mean_gate": over images and experts
  ///  - "gate_loss": what gate_loss says of this layer alone, as a mean over the batches weighted by their
  ///  sizes
  /// For the network, density is over all experts, counts and effective_experts are sums, dead_layers counts
  /// the layers all of whose experts are dead, and gate_loss is the sum over the layers (for hoyer the mean).
  nlohmann::json read() const;

  /// What was added so far, as section "gate_statistics" of a checkpoint.
  void save(Checkpoint& checkpoint) const;
  /// Goes on from there. Errors: format for a section that does not fit the architecture.
  void load(const Checkpoint& checkpoint);

 private:
  const Architecture& architecture_;
  GateNorm norm_;
  std::vector<std::int64_t> widths_;
  at::Tensor uses_;    ///< i64 (all experts): images for which each is active
  at::Tensor sums_;    ///< f64 (all experts): of the gates
  at::Tensor losses_;  ///< f64 (layers): gate loss times images
  std::int64_t images_ = 0;
};

}  // namespace deepmoe
