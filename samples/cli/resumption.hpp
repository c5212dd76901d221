#pragma once

#include <filesystem>
#include <string>

#include "option_flags.hpp"

namespace deepmoe::command {

/// A run that is to go on: its folder, and the checkpoint from which.
struct Resumption {
  std::filesystem::path folder;
  std::filesystem::path checkpoint;
};

/// What --resume or DEEPMOE_RESUME names, taken out of the flags; "" if neither is given.
std::string take_resume(OptionFlags& flags);

/// The run that `path`, its folder or one of its checkpoints, means. A UsageError where there is none.
Resumption find_resumption(const std::string& path);

/// The options of the run, with what environment and flags say besides.
OptionsHandle resumed_options(const Resumption& run, OptionFlags& flags);

/// A model for the run, whose network is that of the checkpoint, and a trainer in the checkpoint's state.
/// What may not differ from the run is a UsageError that names it.
ModelHandle resumed_model(const Resumption& run, const OptionsHandle& options, const DatasetHandle& training);
TrainerHandle resumed_trainer(const ModelHandle& model, const OptionsHandle& options);

}  // namespace deepmoe::command
