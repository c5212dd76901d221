#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace deepmoe::command {

/// What a report (JSON of dmoe_report_json) says first, in lines of at most 80 columns.
std::string analysis_text(const nlohmann::ordered_json& report);

}  // namespace deepmoe::command
