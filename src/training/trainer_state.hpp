#pragma once

#include "training/checkpoint.hpp"
#include "training/trainer.hpp"

namespace deepmoe {

/// Adds to `checkpoint` all that the future steps of `trainer` depend on, besides the weights: its options,
/// optimizer, position in the schedule, gradients accumulated so far, generators, and the sums of its
/// statistics.
void save_trainer(const Trainer::Implementation& trainer, Checkpoint& checkpoint);

/// Brings `trainer` and its model to where the checkpoint's trainer was: on the CPU the next steps are its
/// own, bit for bit. All or nothing. Errors: format for a damaged checkpoint, invalid_argument for one of
/// another network or of options that differ (see expect_same_training), naming what differs.
void load_trainer(Trainer::Implementation& trainer, const Checkpoint& checkpoint);

}  // namespace deepmoe
