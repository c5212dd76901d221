#include <nlohmann/json.hpp>
#include <utility>

#include "plugin/plugin_call.hpp"
#include "plugin/plugin_object.hpp"

namespace deepmoe {
namespace {

class GateMetric {
 public:
  GateMetric(std::shared_ptr<const Plugin> plugin, const dmoe_plugin_gate_metric& table,
             const std::string& network)
      : plugin_(std::move(plugin)),
        table_(table),
        part_{plugin_->file, concat("gate metric '", table.name, "'")} {
    call_plugin(part_, "create", table_.create, network.c_str(), &metric_);
  }
  GateMetric(const GateMetric&) = delete;
  GateMetric& operator=(const GateMetric&) = delete;
  ~GateMetric() { release_plugin_object(part_, "release", table_.release, metric_); }

  std::string name() const { return plugin_->name + ":" + table_.name; }

  void add(std::int64_t layer, const float* gates, std::int64_t images, std::int64_t experts) const {
    call_plugin(part_, "add", table_.add, metric_, layer, gates, images, experts);
  }

  nlohmann::json read() const { return json_from_plugin(part_, "read", table_.read, metric_); }

 private:
  const std::shared_ptr<const Plugin> plugin_;
  const dmoe_plugin_gate_metric table_;
  const PluginPart part_;
  void* metric_ = nullptr;
};

std::string network_json(const Architecture& architecture) {
  const std::vector<Shape> shapes = infer_shapes(architecture);
  nlohmann::json layers = nlohmann::json::array();
  for (const std::int32_t gate : architecture.gates()) {
    const auto index = static_cast<std::size_t>(gate);
    layers.push_back({{"name", architecture.nodes[index].name}, {"experts", shapes[index].channels}});
  }
  return nlohmann::json{{"model", architecture.model}, {"layers", layers}}.dump();
}

}  // namespace

struct GateMetrics::Implementation {
  std::vector<std::unique_ptr<GateMetric>> metrics;
};

GateMetrics::GateMetrics(const std::vector<std::shared_ptr<const Plugin>>& plugins,
                         const Architecture& architecture)
    : implementation_(std::make_unique<Implementation>()) {
  if (!architecture.gated()) return;
  const std::string network = network_json(architecture);
  for (const std::shared_ptr<const Plugin>& plugin : plugins) {
    for (const dmoe_plugin_gate_metric& table : plugin->gate_metrics) {
      implementation_->metrics.push_back(std::make_unique<GateMetric>(plugin, table, network));
    }
  }
}

GateMetrics::~GateMetrics() = default;

bool GateMetrics::empty() const { return implementation_->metrics.empty(); }

void GateMetrics::add(std::int64_t layer, const float* gates, std::int64_t images, std::int64_t experts) {
  for (const auto& metric : implementation_->metrics) metric->add(layer, gates, images, experts);
}

nlohmann::json GateMetrics::read() {
  nlohmann::json figures = nlohmann::json::object();
  for (const auto& metric : implementation_->metrics) figures[metric->name()] = metric->read();
  return figures;
}

}  // namespace deepmoe
