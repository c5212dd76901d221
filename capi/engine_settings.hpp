#pragma once

#include "engine/engine.hpp"

namespace deepmoe::capi {

/// The settings of dmoe_engine_create; NULL means the defaults. Errors: format for text that is no JSON
/// object, not_found for an unknown setting, invalid_argument for a value out of range, unsupported for a
/// precision that the engine lacks.
EngineSettings engine_settings(const char* settings_json);

}  // namespace deepmoe::capi
