#pragma once

/// The door of src/plugin: shared libraries that add data sets, observers, backbones and gate metrics. What
/// they promise is written in capi/deepmoe_plugin.h, which is not needed to use this.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"
#include "base/base.hpp"
#include "options/options.hpp"

namespace deepmoe {

struct Plugin;  // plugin_object.hpp, for src/plugin only

/// Loads the shared library `path`, a file relative to the current folder unless absolute; nothing is
/// searched. Loaded again, it is the same plugin, even where the file is gone by then; it stays loaded until
/// the process ends. Its backbones can be built from then on. Errors, which name the file: not_found, format
/// (no shared library, no plugin, a wrong table), unsupported (too new or too old, in the plugin's words),
/// invalid_argument (another plugin of this name is loaded). Any thread.
std::shared_ptr<const Plugin> load_plugin(const std::string& path);

/// {"file", "name", "summary", "version", "host_version", "datasets", "observers", "backbones",
/// "gate_metrics"}, where the last four are lists of {"name", "summary"}.
nlohmann::json describe(const Plugin& plugin);

/// Loads the plugins that option `plugin` names, separated by commas, in this order and each once.
std::vector<std::shared_ptr<const Plugin>> load_plugins(const Options& options);

/// Images of a plugin's data set, checked. Immutable; any number of threads may read.
class PluginImages {
 public:
  virtual ~PluginImages() = default;
  std::int64_t size = 0, channels = 0, height = 0, width = 0;
  std::vector<std::string> class_names;
  std::vector<std::int64_t> labels;
  std::optional<std::array<float, 3>> mean, deviation;
  std::string file;  ///< of the plugin, for messages
  /// Writes height x width x channels bytes, channels fastest.
  virtual void read(std::int64_t index, std::span<std::byte> pixels) const = 0;
};

/// Opens the split of PLUGIN:NAME among all loaded plugins. Errors: not_found for an unknown plugin or data
/// set, with those there are; format for a description or labels that cannot be; those of the plugin, after
/// its file's name.
std::unique_ptr<PluginImages> open_plugin_images(const std::string& dataset, const std::string& split,
                                                 const Options& options);

/// The observers of some plugins for the length of one run.
class Observers {
 public:
  Observers(const std::vector<std::shared_ptr<const Plugin>>& plugins, const Options& options);
  ~Observers();
  Observers(const Observers&) = delete;
  Observers& operator=(const Observers&) = delete;
  bool empty() const;
  /// Hands an event to each of them. True when one failed or wishes to stop: the run must end.
  bool notify(std::int32_t event, const std::string& json);
  /// Throws the Error of the observer that ended the run, if one did: its own, or cancelled.
  void rethrow() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// The gate metrics of some plugins for the length of one evaluation of a gated network.
class GateMetrics {
 public:
  GateMetrics(const std::vector<std::shared_ptr<const Plugin>>& plugins, const Architecture& architecture);
  ~GateMetrics();
  GateMetrics(const GateMetrics&) = delete;
  GateMetrics& operator=(const GateMetrics&) = delete;
  bool empty() const;
  /// images x experts gates of layer `layer` (counted from 0).
  void add(std::int64_t layer, const float* gates, std::int64_t images, std::int64_t experts);
  /// {"PLUGIN:NAME": figure}.
  nlohmann::json read();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace deepmoe
