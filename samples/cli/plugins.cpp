#include <iostream>
#include <memory>
#include <string>

#include "handle.hpp"
#include "subcommands.hpp"
#include "table.hpp"
#include "text.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

struct Settings {
  std::string file;
  bool json = false;
};

std::string offers_text(const ordered_json& plugin) {
  const std::string name = plugin.at("name");
  std::string text = plugin.at("file").get<std::string>() + ": plugin '" + name + "' of version " +
                     plugin.at("version").dump() + ", which this library (version " +
                     plugin.at("host_version").dump() + ") can use\n";
  if (const std::string summary = plugin.at("summary"); !summary.empty()) text += summary + "\n";
  Table table({"kind", "name", "use", ""});
  const auto add = [&](const char* key, const std::string& kind, const std::string& use, bool named) {
    for (const ordered_json& offer : plugin.at(key)) {
      const std::string own = offer.at("name");
      table.add({kind, own, named ? use + " " + name + ":" + own : use, offer.at("summary")});
    }
  };
  add("datasets", "data set", "--dataset", true);
  add("backbones", "backbone", "--model", true);
  add("observers", "observer", "every run with --plugin", false);
  add("gate_metrics", "gate metric", "every evaluation with --plugin", false);
  return text + (table.empty() ? "It offers nothing.\n" : table.text("  "));
}

int plugins(const Settings& settings) {
  if (settings.file.empty()) throw UsageError("plugins needs a file: the shared library to describe");
  PluginHandle plugin;
  call(dmoe_plugin_load, settings.file.c_str(), plugin.out());
  const ordered_json found = json_from(dmoe_plugin_describe, static_cast<const dmoe_plugin*>(plugin.get()));
  std::cout << (settings.json ? found.dump(2) + "\n" : offers_text(found));
  return succeeded;
}

}  // namespace

void add_plugins(CLI::App& root, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *root.add_subcommand("plugins", "Show what a plugin offers, and whether it can be used");
  app.add_option("FILE", settings->file,
                 "The plugin, a shared library. It is loaded, and so runs code of its own")
      ->type_name("");
  app.add_flag("--json", settings->json, "Print it as JSON");
  app.callback([settings, &action] { action = [settings] { return plugins(*settings); }; });
}

}  // namespace deepmoe::command
