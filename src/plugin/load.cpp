#include <dlfcn.h>

#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <utility>

#include "plugin/backbones.hpp"
#include "plugin/plugin_call.hpp"
#include "plugin/plugin_object.hpp"

namespace deepmoe {
namespace {

namespace fs = std::filesystem;

struct Loaded {
  fs::path path;  ///< absolute, as it was first asked for
  void* library;  ///< what dlopen gave
  std::shared_ptr<const Plugin> plugin;
};

/// All plugins of the process. It is never destroyed, as no library is ever closed.
struct Registry {
  std::mutex mutex;
  std::vector<Loaded> plugins;
};

Registry& registry() {
  static auto* const all = new Registry;
  return *all;
}

/// A name without a slash would be searched for in the system's folders.
fs::path absolute_path(const std::string& path) {
  if (path.empty()) fail(ErrorCode::invalid_argument, "the path of the plugin is empty");
  std::error_code error;
  fs::path absolute = fs::absolute(path, error);
  if (error) fail(ErrorCode::io, "the plugin '", path, "' can't be found: ", error.message());
  return absolute;
}

void* open_library(const fs::path& absolute, const std::string& path) {
  std::error_code error;
  if (!fs::exists(absolute, error)) {
    fail(ErrorCode::not_found, "there is no plugin '", path, "'; give the path of the shared library");
  }
  if (!fs::is_regular_file(absolute, error)) fail(ErrorCode::format, "the plugin '", path, "' is not a file");
  void* const library = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const why = dlerror();
    fail(ErrorCode::format, path,
         " can't be loaded as a shared library: ", why != nullptr ? why : "no reason given");
  }
  return library;
}

/// What is handed to dmoe_plugin_entry, and what came through it.
struct Door : dmoe_plugin_door {
  Door() : dmoe_plugin_door{DMOE_PLUGIN_VERSION, &Door::api_of, &Door::take_refusal} {}
  std::string reason;
  bool too_new = false;

  static const dmoe_plugin_api* api_of(std::int32_t version) noexcept {
    return version >= 1 && version <= DMOE_PLUGIN_VERSION ? &plugin_api() : nullptr;
  }
  static void take_refusal(const dmoe_plugin_door* door, const char* why) noexcept {
    if (door == nullptr || why == nullptr) return;
    try {
      const_cast<Door*>(static_cast<const Door*>(door))->reason = why;
    } catch (...) {  // It remains without a reason.
    }
  }
};

std::shared_ptr<Plugin> enter(void* library, const std::string& path) {
  using Entry = const dmoe_plugin_table* (*)(const dmoe_plugin_door*);
  const auto entry = reinterpret_cast<Entry>(dlsym(library, "dmoe_plugin_entry"));
  if (entry == nullptr) {
    fail(ErrorCode::format, path, " is no plugin of this library: it has no symbol dmoe_plugin_entry");
  }
  Door door;
  const dmoe_plugin_table* table = nullptr;
  try {
    table = entry(&door);
  } catch (...) {
    fail_thrown({path, "the plugin"}, "dmoe_plugin_entry");
  }
  if (table == nullptr) {
    fail(ErrorCode::unsupported, path,
         " refuses to be used here (this library takes plugins of version 1 to ", DMOE_PLUGIN_VERSION,
         "): ", door.reason.empty() ? "it gave no reason" : door.reason);
  }
  return read_tables(path, table);
}

template <class Table>
nlohmann::json offers(const std::vector<Table>& tables) {
  nlohmann::json list = nlohmann::json::array();
  for (const Table& table : tables) {
    list.push_back({{"name", table.name}, {"summary", table.summary != nullptr ? table.summary : ""}});
  }
  return list;
}

}  // namespace

std::shared_ptr<const Plugin> load_plugin(const std::string& path) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const fs::path absolute = absolute_path(path);
  for (const Loaded& loaded : all.plugins) {
    if (loaded.path == absolute) return loaded.plugin;  // The file itself may be gone by now.
  }
  void* const library = open_library(absolute, path);
  for (const Loaded& loaded : all.plugins) {
    if (loaded.library == library) return loaded.plugin;
  }
  const std::shared_ptr<Plugin> plugin = enter(library, path);
  for (const Loaded& loaded : all.plugins) {
    if (loaded.plugin->name == plugin->name) {
      fail(ErrorCode::invalid_argument, path, " is a plugin called '", plugin->name, "', and so is ",
           loaded.plugin->file, ", which is loaded already; load one of them");
    }
  }
  all.plugins.push_back({absolute, library, plugin});
  add_backbones(plugin);
  return plugin;
}

std::vector<std::shared_ptr<const Plugin>> loaded_plugins() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  std::vector<std::shared_ptr<const Plugin>> plugins;
  for (const Loaded& loaded : all.plugins) plugins.push_back(loaded.plugin);
  return plugins;
}

std::vector<std::shared_ptr<const Plugin>> load_plugins(const Options& options) {
  std::vector<std::shared_ptr<const Plugin>> plugins;
  std::istringstream paths(options.text("plugin"));
  for (std::string path; std::getline(paths, path, ',');) {
    if (path.empty()) continue;
    std::shared_ptr<const Plugin> plugin = load_plugin(path);
    bool there = false;
    for (const auto& other : plugins) there = there || other == plugin;
    if (!there) plugins.push_back(std::move(plugin));
  }
  return plugins;
}

nlohmann::json describe(const Plugin& plugin) {
  return {{"file", plugin.file},
          {"name", plugin.name},
          {"summary", plugin.summary},
          {"version", plugin.version},
          {"host_version", DMOE_PLUGIN_VERSION},
          {"datasets", offers(plugin.datasets)},
          {"observers", offers(plugin.observers)},
          {"backbones", offers(plugin.backbones)},
          {"gate_metrics", offers(plugin.gate_metrics)}};
}

}  // namespace deepmoe
