#include <dlfcn.h>

#include <string>

#include "capi/owned.hpp"
#include "deepmoe_runtime.h"
#include "plugin/plugin_files.hpp"

using namespace deepmoe::capi_test;
using deepmoe::plugin_file;

TEST_CASE_FIXTURE(NoLeaks, "a plugin is loaded and described and refused in words") {
  Owned<dmoe_plugin> plugin;
  Owned<dmoe_string> json;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_plugin_load(plugin_file("sample_backbone").c_str(), plugin.out(), error);
  });
  CHECK(dmoe_live_objects(DMOE_KIND_PLUGIN) == 1);
  check_succeeds([&](dmoe_error** error) { return dmoe_plugin_describe(plugin, json.out(), error); });
  CHECK(take(json).find("\"tiny\"") != std::string::npos);
  // The library stays loaded when its last handle is gone.
  plugin.reset();
  CHECK(dmoe_live_objects(DMOE_KIND_PLUGIN) == 0);
  CHECK(dlopen(plugin_file("sample_backbone").c_str(), RTLD_LAZY | RTLD_NOLOAD) != nullptr);
  dmoe_plugin* none = nullptr;
  check_fails(DMOE_ERROR_UNSUPPORTED, plugin_file("unusable_1"), [&](dmoe_error** error) {
    return dmoe_plugin_load(plugin_file("unusable_1").c_str(), &none, error);
  });
  check_fails(DMOE_ERROR_NOT_FOUND, "none.so",
              [&](dmoe_error** error) { return dmoe_plugin_load("none.so", &none, error); });
  CHECK(none == nullptr);
}

TEST_CASE_FIXTURE(NoLeaks, "option plugin makes a backbone known to the architecture functions") {
  Owned<dmoe_options> options =
      options_with("{\"model\": \"sample_backbone:tiny\", \"num_classes\": 4, \"plugin\": \"" +
                   plugin_file("sample_backbone") + "\"}");
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) { return dmoe_architecture_text(options, text.out(), error); });
  CHECK(take(text).find("gate1") != std::string::npos);
  options = options_with("{\"plugin\": \"none.so\"}");
  check_fails(DMOE_ERROR_NOT_FOUND, "none.so",
              [&](dmoe_error** error) { return dmoe_architecture_text(options, text.out(), error); });
}
