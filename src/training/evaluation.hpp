#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "model/network.hpp"
#include "training/training.hpp"

namespace deepmoe {

/// Receives the gates of a batch: (N, experts) for each layer, on the network's device.
using GateObserver = std::function<void(const std::vector<at::Tensor>& gates)>;

/// evaluate, which also shows the gates to `observer` (may be empty) if the network has any.
nlohmann::json evaluate_gates(Model& model, std::shared_ptr<const Dataset> dataset, const Options& options,
                              const EventCallback& callback, const GateObserver& observer);

}  // namespace deepmoe
