#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace deepmoe::command {

/// What a run would do, from what `deepmoe train --dry_run` found out.
std::string dry_run_text(const nlohmann::ordered_json& result);

}  // namespace deepmoe::command
