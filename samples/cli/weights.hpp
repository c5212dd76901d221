#pragma once

#include <string>

#include "handle.hpp"
#include "option_flags.hpp"

namespace deepmoe::command {

/// The weights file that --weights or DEEPMOE_WEIGHTS names, taken out of the flags: for a subcommand that
/// loads a model, it is no option of that model.
std::string take_weights(OptionFlags& flags);

/// The options for dmoe_model_load.
OptionsHandle load_options(const OptionFlags& flags);

/// Takes what shapes the network from the file that option `weights` names, if it says that, where the
/// options were left at their defaults: for a training that goes on from these weights.
void complete_from_weights(const OptionsHandle& options, const OptionFlags& flags);

/// Whether a weights file says which network it belongs to.
bool describes_its_network(const std::string& weights);

/// The options that a loaded model goes by: those of its file, and those given besides.
OptionsHandle options_of(const ModelHandle& model);

}  // namespace deepmoe::command
