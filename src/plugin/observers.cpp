#include <optional>
#include <utility>

#include "plugin/plugin_call.hpp"
#include "plugin/plugin_object.hpp"

#include <nlohmann/json.hpp>

namespace deepmoe {
namespace {

class Observer {
 public:
  Observer(std::shared_ptr<const Plugin> plugin, const dmoe_plugin_observer& table,
           const std::string& options)
      : plugin_(std::move(plugin)),
        table_(table),
        part_{plugin_->file, concat("observer '", table.name, "'")} {
    call_plugin(part_, "create", table_.create, options.c_str(), &observer_);
  }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  ~Observer() { release_plugin_object(part_, "release", table_.release, observer_); }

  /// Throws its failure, or its wish to stop.
  void notify(std::int32_t event, const std::string& json) const {
    std::int32_t stop = 0;
    call_plugin(part_, "event", table_.event, observer_, event, json.c_str(), &stop);
    if (stop != 0) fail(ErrorCode::cancelled, "stopped, as ", part_.name, " of ", part_.file, " asked");
  }

 private:
  const std::shared_ptr<const Plugin> plugin_;
  const dmoe_plugin_observer table_;
  const PluginPart part_;
  void* observer_ = nullptr;
};

}  // namespace

struct Observers::Implementation {
  std::vector<std::unique_ptr<Observer>> observers;
  std::optional<Error> end;
};

Observers::Observers(const std::vector<std::shared_ptr<const Plugin>>& plugins, const Options& options)
    : implementation_(std::make_unique<Implementation>()) {
  const std::string values = options.resolved().dump();
  for (const std::shared_ptr<const Plugin>& plugin : plugins) {
    for (const dmoe_plugin_observer& table : plugin->observers) {
      implementation_->observers.push_back(std::make_unique<Observer>(plugin, table, values));
    }
  }
}

Observers::~Observers() = default;

bool Observers::empty() const { return implementation_->observers.empty(); }

bool Observers::notify(std::int32_t event, const std::string& json) {
  if (implementation_->end) return true;
  try {
    for (const auto& observer : implementation_->observers) observer->notify(event, json);
  } catch (const Error& error) {
    implementation_->end = error;
  }
  return implementation_->end.has_value();
}

void Observers::rethrow() const {
  if (implementation_->end) throw Error(*implementation_->end);
}

}  // namespace deepmoe
