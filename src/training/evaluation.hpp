#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "model/network.hpp"
#include "training/process_group.hpp"
#include "training/training.hpp"

namespace deepmoe {

/// Receives the gates of a batch: (N, experts) for each layer, on the network's device.
using GateObserver = std::function<void(const std::vector<at::Tensor>& gates)>;

/// A network as evaluation sees it, whoever computes it.
struct Subject {
  const Architecture& architecture;
  std::int64_t image_size;
  at::Device device;
  /// Outputs on `device` in evaluation, without the embedding, for images (N, channels, image_size,
  /// image_size) of f32 on it.
  std::function<Network::Outputs(const at::Tensor& images)> forward;
  /// Where not null, each process evaluates its shard of the images, and every one gets the results of all.
  ProcessGroup* processes = nullptr;
};

/// evaluate for any network; `observer` may be empty.
nlohmann::json evaluate_subject(const Subject& subject, std::shared_ptr<const Dataset> dataset,
                                const Options& options, const EventCallback& callback,
                                const GateObserver& observer);

/// evaluate, which also shows the gates to `observer` (may be empty) if the network has any; `processes` as in
/// Subject.
nlohmann::json evaluate_gates(Model& model, std::shared_ptr<const Dataset> dataset, const Options& options,
                              const EventCallback& callback, const GateObserver& observer,
                              ProcessGroup* processes = nullptr);

}  // namespace deepmoe
