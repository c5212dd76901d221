#pragma once

/// The parts of the option table, and what the other files of this folder need to know of a row.

#include <string>
#include <string_view>
#include <vector>

#include "options/options.hpp"

namespace deepmoe {

/// The rows of the groups general, data and model.
std::vector<OptionDeclaration> network_options();

/// The rows of group gates.
std::vector<OptionDeclaration> gate_options();

/// The rows of group loss.
std::vector<OptionDeclaration> loss_options();

/// The rows of the groups optimizer, schedule, training and output.
std::vector<OptionDeclaration> training_options();

/// The default of the option called `name` (which must be declared) with the lifetime of the program.
const std::string& default_text(std::string_view name);

/// The environment variable that sets the option called `name`.
std::string environment_variable(std::string_view name);

}  // namespace deepmoe
