#pragma once

/// What observers and gate metrics have in common: `create` makes one for a run or an evaluation.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plugin/plugin_call.hpp"
#include "plugin/plugin_object.hpp"

namespace deepmoe {

/// What a table's `create` made, until its `release`.
template <class Table>
class PluginInstance {
 public:
  /// `kind` is for messages, e.g. "observer"; `json` is what `create` receives.
  PluginInstance(std::shared_ptr<const Plugin> plugin, const Table& table, const char* kind,
                 const std::string& json)
      : plugin_(std::move(plugin)), table_(table), part_{plugin_->file, concat(kind, " '", table.name, "'")} {
    call_plugin(part_, "create", table_.create, json.c_str(), &object_);
  }
  PluginInstance(const PluginInstance&) = delete;
  PluginInstance& operator=(const PluginInstance&) = delete;
  ~PluginInstance() { release_plugin_object(part_, "release", table_.release, object_); }

  const Table& table() const { return table_; }
  const PluginPart& part() const { return part_; }
  void* object() const { return object_; }
  /// PLUGIN:NAME.
  std::string name() const { return plugin_->name + ":" + table_.name; }

 private:
  const std::shared_ptr<const Plugin> plugin_;
  const Table table_;
  const PluginPart part_;
  void* object_ = nullptr;
};

template <class Table>
using PluginInstances = std::vector<std::unique_ptr<PluginInstance<Table>>>;

/// One of each table in the list `tables` of these plugins.
template <class Table>
PluginInstances<Table> make_instances(const std::vector<std::shared_ptr<const Plugin>>& plugins,
                                      std::vector<Table> Plugin::* tables, const char* kind,
                                      const std::string& json) {
  PluginInstances<Table> instances;
  for (const std::shared_ptr<const Plugin>& plugin : plugins) {
    for (const Table& table : (*plugin).*tables) {
      instances.push_back(std::make_unique<PluginInstance<Table>>(plugin, table, kind, json));
    }
  }
  return instances;
}

}  // namespace deepmoe
