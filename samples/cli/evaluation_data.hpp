#pragma once

#include <string>

#include "handle.hpp"
#include "option_flags.hpp"

namespace deepmoe::command {

/// The split of the data set that a loaded model is evaluated on. `options` are those of the model
/// (options_of), in which the number of classes is left open where the data set has its own.
DatasetHandle open_evaluation_data(const OptionsHandle& options, const OptionFlags& flags,
                                   const std::string& split);

}  // namespace deepmoe::command
