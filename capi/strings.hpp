#pragma once

/// Text that the library hands out.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "deepmoe_runtime.h"

namespace deepmoe::capi {

/// Compact JSON. Bytes that are not UTF-8 (a class may be named after any folder) become U+FFFD.
std::string json_text(const nlohmann::json& json);

/// New strings for the caller to release.
dmoe_string* new_string(std::string text);
dmoe_string* new_string(const nlohmann::json& json);

}  // namespace deepmoe::capi
