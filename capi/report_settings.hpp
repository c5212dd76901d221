#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/collection.hpp"
#include "data/data.hpp"

namespace deepmoe::capi {

struct ReportSettings {
  CollectionSettings collection;
  std::vector<double> thresholds;
  LoaderOptions loader;
  std::string weights, compact_command, split = "test";
  std::optional<int> threads;
};

/// The settings of dmoe_report_create, or with `own_engine` of dmoe_report_create_from_model; NULL means the
/// defaults. Errors: format for text that is no JSON object, not_found for an unknown setting,
/// invalid_argument for a value that cannot be.
ReportSettings report_settings(const char* settings_json, bool own_engine);

}  // namespace deepmoe::capi
