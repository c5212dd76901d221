#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "training/trainer.hpp"

namespace deepmoe {

/// What a run of `trainer` with option `dry_run` does instead: one update of the weights, one validation
/// batch and everything that is written after an epoch, in a folder within that of option `out`. Then the
/// folder is removed, together with folders that were made for it, and the model's weights are what they
/// were. Returns
/// {"dry_run": true, "model", "device", "parameters", "dense_macs", "optimizer", "lr", "schedule", "epochs",
/// "steps_per_epoch", "batch_size", "train_size", "validation_size", "loss", "validation_loss", "seconds",
/// "out", "files": [{"name", "bytes"}]}: what the run itself would do, and what the rehearsal found.
nlohmann::json dry_run(const Trainer::Implementation& trainer, const std::shared_ptr<const Dataset>& train,
                       const std::shared_ptr<const Dataset>& validation, const EventCallback& callback);

}  // namespace deepmoe
