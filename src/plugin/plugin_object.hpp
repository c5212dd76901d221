#pragma once

/// A loaded plugin: copies of its tables, in which what an older plugin lacks is zero.

#include <string>
#include <utility>
#include <vector>

#include "deepmoe_plugin.h"
#include "plugin/plugin.hpp"

namespace deepmoe {

struct Plugin {
  std::string file;  ///< as the user named it
  std::string name, summary;
  std::int32_t version = 0;
  std::vector<dmoe_plugin_dataset> datasets;
  std::vector<dmoe_plugin_observer> observers;
  std::vector<dmoe_plugin_backbone> backbones;
  std::vector<dmoe_plugin_gate_metric> gate_metrics;
};

/// Checks and copies what dmoe_plugin_entry gave. Errors: format, naming file, table and member.
std::shared_ptr<Plugin> read_tables(const std::string& file, const dmoe_plugin_table* table);

/// The loaded plugins, in the order of their loading.
std::vector<std::shared_ptr<const Plugin>> loaded_plugins();

}  // namespace deepmoe
