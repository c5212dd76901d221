#pragma once

#include "architecture/architecture.hpp"
#include "engine_object.hpp"
#include "storage/storage.hpp"

namespace deepmoe::capi {

/// The network that a weights file describes. Errors: invalid_argument for a file without a description,
/// format.
Architecture network_of(const SafetensorsFile& file);

/// The normalisation and the class names in a weights file; those that are not there are left at nothing
/// (mean 0, deviation 1, no names). Errors: format.
EngineData data_of(const SafetensorsFile& file);

}  // namespace deepmoe::capi
