#pragma once

/// Builders of networks that come from elsewhere, such as plugins. Not behind the door of this folder, since
/// only what brings builders needs it.

#include <functional>
#include <string>

#include "architecture/architecture.hpp"

namespace deepmoe {

using NamedBuilder = std::function<Architecture(const Options&)>;

/// Lets build_architecture build the network `name`, which has a colon and so is none of model_names(), by
/// `builder`, for the rest of the process. Any thread.
void add_builder(const std::string& name, NamedBuilder builder);

/// What the builder of that name makes of the options. Errors: not_found with the names there are; the
/// builder's own.
Architecture build_named(const std::string& name, const Options& options);

}  // namespace deepmoe
