#include "plugin/backbones.hpp"

#include <nlohmann/json.hpp>

#include "architecture/named_builders.hpp"
#include "plugin/plugin_call.hpp"
#include "plugin/plugin_object.hpp"

namespace deepmoe {
namespace {

Architecture build(const Plugin& plugin, const dmoe_plugin_backbone& table, const Options& options) {
  const PluginPart part{plugin.file, concat("backbone '", table.name, "'")};
  const std::string values = options.resolved().dump();
  const nlohmann::json description = json_from_plugin(part, "build", table.build, values.c_str());
  Architecture architecture;
  try {
    architecture = architecture_from_json(description);
    infer_shapes(architecture);
  } catch (const Error& error) {
    fail(ErrorCode::format, part.file, ": ", part.name, ": ", error.what());
  }
  const auto expect = [&](const char* what, std::int64_t is, std::int64_t wanted) {
    if (is == wanted) return;
    fail(ErrorCode::format, part.file, ": ", part.name, ": ", what, " of its network is ", is, ", must be ",
         wanted);
  };
  expect("image_channels", architecture.image_channels, 3);
  expect("image_size", architecture.image_size, options.integer("image_size"));
  expect("the number of classes", architecture.num_classes(), options.integer("num_classes"));
  architecture.model = plugin.name + ":" + table.name;
  return architecture;
}

}  // namespace

void add_backbones(const std::shared_ptr<const Plugin>& plugin) {
  for (const dmoe_plugin_backbone& table : plugin->backbones) {
    add_builder(plugin->name + ":" + table.name,
                [plugin, table](const Options& options) { return build(*plugin, table, options); });
  }
}

}  // namespace deepmoe
