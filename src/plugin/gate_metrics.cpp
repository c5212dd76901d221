#include <nlohmann/json.hpp>

#include "plugin/plugin_instance.hpp"

namespace deepmoe {
namespace {

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
  PluginInstances<dmoe_plugin_gate_metric> metrics;
};

GateMetrics::GateMetrics(const std::vector<std::shared_ptr<const Plugin>>& plugins,
                         const Architecture& architecture)
    : implementation_(std::make_unique<Implementation>()) {
  if (!architecture.gated()) return;
  implementation_->metrics =
      make_instances(plugins, &Plugin::gate_metrics, "gate metric", network_json(architecture));
}

GateMetrics::~GateMetrics() = default;

bool GateMetrics::empty() const { return implementation_->metrics.empty(); }

void GateMetrics::add(std::int64_t layer, const float* gates, std::int64_t images, std::int64_t experts) {
  for (const auto& metric : implementation_->metrics) {
    call_plugin(metric->part(), "add", metric->table().add, metric->object(), layer, gates, images, experts);
  }
}

nlohmann::json GateMetrics::read() {
  nlohmann::json figures = nlohmann::json::object();
  for (const auto& metric : implementation_->metrics) {
    figures[metric->name()] =
        json_from_plugin(metric->part(), "read", metric->table().read, metric->object());
  }
  return figures;
}

}  // namespace deepmoe
