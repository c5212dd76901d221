#include <nlohmann/json.hpp>
#include <optional>

#include "plugin/plugin_instance.hpp"

namespace deepmoe {
namespace {

using Observer = PluginInstance<dmoe_plugin_observer>;

/// Throws the observer's failure, or its wish to stop.
void show(const Observer& observer, std::int32_t event, const std::string& json) {
  std::int32_t stop = 0;
  call_plugin(observer.part(), "event", observer.table().event, observer.object(), event, json.c_str(),
              &stop);
  if (stop == 0) return;
  fail(ErrorCode::cancelled, "stopped, as ", observer.part().name, " of ", observer.part().file, " asked");
}

}  // namespace

struct Observers::Implementation {
  PluginInstances<dmoe_plugin_observer> observers;
  std::optional<Error> end;
};

Observers::Observers(const std::vector<std::shared_ptr<const Plugin>>& plugins, const Options& options)
    : implementation_(std::make_unique<Implementation>()) {
  implementation_->observers =
      make_instances(plugins, &Plugin::observers, "observer", options.resolved().dump());
}

Observers::~Observers() = default;

bool Observers::empty() const { return implementation_->observers.empty(); }

bool Observers::notify(std::int32_t event, const std::string& json) {
  if (implementation_->end) return true;
  try {
    for (const auto& observer : implementation_->observers) show(*observer, event, json);
  } catch (const Error& error) {
    implementation_->end = error;
  }
  return implementation_->end.has_value();
}

void Observers::rethrow() const {
  if (implementation_->end) throw Error(*implementation_->end);
}

}  // namespace deepmoe
