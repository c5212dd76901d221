#include <dlfcn.h>
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "plugin/plugin.hpp"
#include "plugin_files.hpp"

using namespace deepmoe;
namespace fs = std::filesystem;

namespace {

/// The message names the file and holds `part`.
void require_refused(ErrorCode code, const std::string& name, const std::string& part) {
  CAPTURE(name);
  require_error(code, {plugin_file(name), part}, [&] { load_plugin(plugin_file(name)); });
}

Options with_plugins(const std::string& paths) {
  Options options;
  options.set("plugin", paths);
  return options;
}

}  // namespace

TEST_CASE("a plugin says what it offers and is the same when it is loaded again") {
  const auto plugin = load_plugin(plugin_file("sample_dataset"));
  const nlohmann::json found = describe(*plugin);
  CHECK(found.at("name") == "sample");
  CHECK(found.at("version") == found.at("host_version"));
  CHECK(found.at("datasets").at(0).at("name") == "stripes");
  CHECK(found.at("observers").empty());
  const fs::path path = plugin_file("sample_dataset");
  CHECK(load_plugin((path.parent_path() / "." / path.filename()).string()) == plugin);
}

TEST_CASE("two plugins are loaded beside each other and each once") {
  const std::string first = plugin_file("sample_dataset"), second = plugin_file("first_version");
  const auto plugins = load_plugins(with_plugins(first + "," + second + "," + first));
  REQUIRE(plugins.size() == 2);
  CHECK(describe(*plugins[0]).at("name") == "sample");
  CHECK(describe(*plugins[1]).at("name") == "first");
  CHECK(load_plugins(Options()).empty());
}

TEST_CASE("a plugin of the first version is taken by this longer host") {
  const nlohmann::json found = describe(*load_plugin(plugin_file("first_version")));
  CHECK(found.at("version") == 1);
  CHECK(found.at("host_version") > 1);
  CHECK(found.at("datasets").size() == 1);
  CHECK(found.at("observers").size() == 1);
  CHECK(found.at("backbones").empty());
  CHECK(found.at("gate_metrics").empty());
}

TEST_CASE("a plugin that is too new or too old is refused in its words") {
  require_refused(ErrorCode::unsupported, "unusable_1", "made for a newer host");
  require_refused(ErrorCode::unsupported, "unusable_2", "made for a host of long ago");
  require_refused(ErrorCode::unsupported, "unusable_4", "gave no reason");
}

TEST_CASE("a file that is no plugin is refused by name") {
  require_refused(ErrorCode::format, "unusable_3", "no symbol dmoe_plugin_entry");
  require_refused(ErrorCode::internal, "unusable_5", "thrown at the door");
  require_error(ErrorCode::not_found, {"there is no plugin 'nowhere.so'"}, [] { load_plugin("nowhere.so"); });
  // The system's loader would find these; a user who names no path means a file here.
  require_error(ErrorCode::not_found, {"libc.so.6"}, [] { load_plugin("libc.so.6"); });
  require_error(ErrorCode::invalid_argument, {"empty"}, [] { load_plugin(""); });
  const TemporaryFolder folder;
  require_error(ErrorCode::format, {"is not a file"}, [&] { load_plugin(folder.path()); });
  const std::string text = folder.file("text.so");
  std::ofstream(text) << "not a library";
  require_error(ErrorCode::format, {text, "can't be loaded"}, [&] { load_plugin(text); });
}

TEST_CASE("a plugin that lacks what it calls is refused before it runs") {
  require_refused(ErrorCode::format, "unusable_14", "deepmoe_test_nowhere");
}

TEST_CASE("what a plugin exports is seen by nobody else") {
  load_plugin(plugin_file("faulty"));
  CHECK(dlsym(RTLD_DEFAULT, "deepmoe_test_objects") == nullptr);
}

TEST_CASE("a plugin whose file is gone stays loaded") {
  const TemporaryFolder folder;
  const std::string file = folder.file("gone.so");
  // One that no other test loads, as its name is taken from here on.
  fs::copy_file(plugin_file("sample_observer"), file);
  const auto plugin = load_plugin(file);
  fs::remove(file);
  CHECK(load_plugin(file) == plugin);
  CHECK(load_plugins(with_plugins(file)) == std::vector{plugin});
}

TEST_CASE("wrong tables are refused by name") {
  require_refused(ErrorCode::format, "unusable_6", "its table is of version 77");
  require_refused(ErrorCode::format, "unusable_7", "has 5 bytes");
  require_refused(ErrorCode::format, "unusable_8", "the name of the plugin must be");
  require_refused(ErrorCode::format, "unusable_9", "has no function create");
  require_refused(ErrorCode::format, "unusable_10", "the table of observer 0 has");
  require_refused(ErrorCode::format, "unusable_11", "there are more than 1000 observers");
  require_refused(ErrorCode::format, "unusable_12", "there are two observers called 'observer'");
  require_refused(ErrorCode::format, "unusable_13", "the plugin has no name");
}

TEST_CASE("as many tables of a kind as there may be are taken") {
  CHECK(describe(*load_plugin(plugin_file("full"))).at("observers").size() == 1000);
}

TEST_CASE("two plugins of one name are refused with both files") {
  load_plugin(plugin_file("sample_dataset"));
  const TemporaryFolder folder;
  const std::string copy = folder.file("copy.so");
  fs::copy_file(plugin_file("sample_dataset"), copy);
  require_error(ErrorCode::invalid_argument, {copy, plugin_file("sample_dataset"), "'sample'"},
                [&] { load_plugin(copy); });
}
