#include <ATen/ATen.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/base.hpp"
#include "compaction/compaction.hpp"
#include "model/libtorch_errors.hpp"
#include "model/tensor_bridge.hpp"
#include "training/evaluation.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

/// Counts for each expert the samples whose gate is not 0.
class UseCounter {
 public:
  explicit UseCounter(const Architecture& architecture)
      : architecture_(architecture), sums_(architecture.gates().size()) {}

  void add(const std::vector<at::Tensor>& gates) {
    for (std::size_t layer = 0; layer < gates.size(); ++layer) {
      if (gates[layer].isnan().any().item<bool>()) {
        const auto node = static_cast<std::size_t>(architecture_.gates()[layer]);
        fail(ErrorCode::numeric, "gates of layer '", architecture_.nodes[node].name,
             "' are not numbers for some images, so its experts cannot be counted; the weights are broken");
      }
      const at::Tensor uses = gates[layer].gt(0).sum(0).cpu();
      sums_[layer] = sums_[layer].defined() ? sums_[layer] + uses : uses;
    }
  }

  std::vector<std::vector<std::int64_t>> counts() const {
    std::vector<std::vector<std::int64_t>> counts;
    for (const at::Tensor& sum : sums_) {
      const at::Tensor row = sum.contiguous();
      const auto* const values = row.const_data_ptr<std::int64_t>();
      counts.emplace_back(values, values + row.numel());
    }
    return counts;
  }

 private:
  const Architecture& architecture_;
  std::vector<at::Tensor> sums_;
};

std::vector<SharedTensor> state_on_cpu(Model& model) {
  std::vector<SharedTensor> state;
  for (const Network::Entry& entry : model.network().state()) {
    state.push_back(to_shared(entry.specification.name, entry.tensor.cpu()));
  }
  return state;
}

std::shared_ptr<Model> model_of(const CompactedNetwork& network, const Model& original) {
  Options options = original.options();
  options.set("weights", "");
  std::shared_ptr<Model> model = Model::create(network.architecture, options);
  model->load_state(network.state, "compaction");
  model->describe_data(original.normalization(), original.class_names());
  return model;
}

json figures(const json& evaluation, std::int64_t experts) {
  json chosen = {{"experts", experts}};
  for (const char* name :
       {"parameters", "dense_macs", "active_macs", "density", "accuracy", "top5_accuracy", "loss"}) {
    chosen[name] = evaluation.at(name);
  }
  return chosen;
}

json layer_reports(const std::vector<GateCompaction>& gates,
                   const std::vector<std::vector<std::int64_t>>& uses, std::int64_t samples) {
  json layers = json::array();
  for (std::size_t i = 0; i < gates.size(); ++i) {
    json utilisation = json::array();
    for (const std::int64_t used : uses[i]) {
      utilisation.push_back(static_cast<double>(used) / static_cast<double>(samples));
    }
    layers.push_back({{"name", gates[i].name},
                      {"experts", gates[i].experts},
                      {"inactive", gates[i].inactive},
                      {"kept", gates[i].kept},
                      {"silent", gates[i].silent},
                      {"reason", gates[i].reason},
                      {"utilisation", std::move(utilisation)}});
  }
  return layers;
}

}  // namespace

std::shared_ptr<Model> compact_model(Model& model, std::shared_ptr<const Dataset> calibration,
                                     const CompactionSettings& settings, const Options& options,
                                     const EventCallback& callback, json& report) {
  const Architecture& architecture = model.architecture();
  check_min_utilisation(settings.min_utilisation);
  if (!architecture.gated()) {
    fail(ErrorCode::invalid_argument, "network '", architecture.model,
         "' is dense: without gates there are no experts to remove");
  }
  if (!settings.classes.empty()) calibration = select_classes(std::move(calibration), settings.classes);

  UseCounter counter(architecture);
  const json before = evaluate_gates(model, calibration, options, callback,
                                     [&](const std::vector<at::Tensor>& gates) { counter.add(gates); });
  const auto samples = before.at("samples").get<std::int64_t>();
  const std::vector<std::vector<std::int64_t>> uses = counter.counts();
  const CompactedNetwork network = with_libtorch_errors([&] {
    return compact(architecture, state_on_cpu(model),
                   inactive_experts(uses, samples, settings.min_utilisation));
  });

  const std::shared_ptr<Model> compacted = model_of(network, model);
  const json after = evaluate(*compacted, calibration, options, callback);
  std::int64_t experts = 0, kept = 0;
  for (const GateCompaction& gate : network.gates) {
    experts += gate.experts;
    kept += gate.kept;
  }
  report = {{"samples", samples},
            {"classes", settings.classes.empty() ? json() : json(settings.classes)},
            {"min_utilisation", settings.min_utilisation},
            {"layers", layer_reports(network.gates, uses, samples)},
            {"before", figures(before, experts)},
            {"after", figures(after, kept)}};
  return compacted;
}

}  // namespace deepmoe
