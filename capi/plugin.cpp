#include "plugin/plugin.hpp"

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "guard.hpp"
#include "handles.hpp"
#include "strings.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

struct dmoe_plugin : Header {
  static constexpr auto kind = Kind::plugin;
  explicit dmoe_plugin(std::shared_ptr<const Plugin> loaded) : Header(kind), plugin(std::move(loaded)) {}
  const std::shared_ptr<const Plugin> plugin;
};

int32_t dmoe_plugin_load(const char* path, dmoe_plugin** plugin, dmoe_error** error) {
  return guard(error, [&] {
    require(path, "path");
    require(plugin, "plugin");
    *plugin = new dmoe_plugin(load_plugin(path));
  });
}

int32_t dmoe_plugin_describe(const dmoe_plugin* plugin, dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_plugin& source = checked(plugin, "plugin");
    require(json, "json");
    *json = new_string(describe(*source.plugin));
  });
}

void dmoe_plugin_release(dmoe_plugin* plugin) { release(plugin); }
