#pragma once

#include <memory>
#include <string>

#include "data/data.hpp"

namespace deepmoe {

/// A split ("train" or "test") of the data set PLUGIN:NAME that option `dataset` names, after the plugins of
/// option `plugin` are loaded. Errors: those of load_plugins and open_plugin_images.
std::shared_ptr<const Dataset> plugin_dataset(const Options& options, bool training);

}  // namespace deepmoe
