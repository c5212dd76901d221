#pragma once

#include <memory>

#include "plugin/plugin.hpp"

namespace deepmoe {

/// Makes the backbones of a plugin known to build_architecture, as PLUGIN:NAME.
void add_backbones(const std::shared_ptr<const Plugin>& plugin);

}  // namespace deepmoe
