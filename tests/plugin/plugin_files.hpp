#pragma once

/// The plugins that the tests load.

#include <stdlib.h>

#include <string>

namespace deepmoe {

/// A file of tests/plugin/fixtures or samples/plugins, e.g. "faulty" or "sample_dataset".
inline std::string plugin_file(const std::string& name) {
  return std::string(DEEPMOE_PLUGIN_FOLDER) + "/lib" + name + ".so";
}

/// Sets what goes wrong in the plugin "faulty" as long as this lives.
class Fault {
 public:
  explicit Fault(const char* name) { setenv("DEEPMOE_TEST_FAULT", name, 1); }
  ~Fault() { unsetenv("DEEPMOE_TEST_FAULT"); }
  Fault(const Fault&) = delete;
  Fault& operator=(const Fault&) = delete;
};

}  // namespace deepmoe
