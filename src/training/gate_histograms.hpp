#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"
#include "training/checkpoint.hpp"
#include "training/event_file.hpp"

namespace deepmoe {

/// How often gates of each size occur in each layer. Counts stay on the device, so that adding a batch never
/// waits for it. Buckets grow by a fourth root of 2, from 2^-14 to 2^7; zeros have a bucket of their own.
class GateHistograms {
 public:
  /// `architecture`, which is gated, must outlive this object.
  GateHistograms(const Architecture& architecture, const at::Device& device);

  /// Adds a batch: (N, experts) for each layer, in network order.
  void add(const std::vector<at::Tensor>& gates);
  void reset();
  /// One for each layer; waits for the device. Empty when nothing was added.
  std::vector<NamedHistogram> read() const;

  /// What was added so far, as section "gate_histograms" of a checkpoint.
  void save(Checkpoint& checkpoint) const;
  /// Goes on from there, or from nothing where the checkpoint has no such section. Errors: format for a
  /// section that does not fit the architecture.
  void load(const Checkpoint& checkpoint);

 private:
  const Architecture& architecture_;
  at::Tensor limits_;   ///< f32: the largest gate of each bucket; zero for the first
  at::Tensor counts_;   ///< i64 (layers, buckets)
  at::Tensor moments_;  ///< f64 (layers, 4): sum, sum of squares, minimum, maximum
  bool empty_ = true;
};

}  // namespace deepmoe
