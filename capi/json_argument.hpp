#pragma once

#include <nlohmann/json_fwd.hpp>

namespace deepmoe::capi {

/// The JSON object in a text that the host passed as `parameter`. Errors: invalid_argument for NULL, format
/// for text that is no JSON object, with the place.
nlohmann::json json_object(const char* text, const char* parameter);

}  // namespace deepmoe::capi
