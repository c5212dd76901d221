#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/base.hpp"
#include "model/libtorch_errors.hpp"
#include "model/loss.hpp"
#include "training/evaluation.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

/// Sums over the samples seen so far.
struct Sums {
  std::int64_t samples = 0;
  double loss = 0.0;
  std::int64_t correct = 0, correct_in_top5 = 0;
  double active_macs = 0.0;
  std::vector<double> active_experts;  ///< for each gate
};

/// Active experts of every gate and sample, (gates, N) on the CPU.
at::Tensor count_active(const std::vector<at::Tensor>& gates) {
  std::vector<at::Tensor> counts;
  for (const at::Tensor& layer : gates) counts.push_back(layer.gt(0).sum(1).to(at::kDouble));
  return at::stack(counts).cpu().contiguous();
}

void add_gates(const Architecture& architecture, const Cost& network_cost,
               const std::vector<at::Tensor>& gates, Sums& sums) {
  const at::Tensor counts = count_active(gates);
  const auto samples = counts.size(1);
  const double* values = counts.const_data_ptr<double>();
  std::vector<double> densities(gates.size());
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    for (std::size_t layer = 0; layer < gates.size(); ++layer) {
      const double active = values[static_cast<std::int64_t>(layer) * samples + sample];
      sums.active_experts[layer] += active;
      densities[layer] = active / static_cast<double>(gates[layer].size(1));
    }
    sums.active_macs += active_macs(architecture, network_cost, densities);
  }
}

json layer_densities(const Architecture& architecture, const Sums& sums, double* density) {
  const std::vector<Shape> shapes = infer_shapes(architecture);
  const std::vector<std::int32_t> gates = architecture.gates();
  json layers = json::array();
  double active = 0.0, experts = 0.0;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const auto node = static_cast<std::size_t>(gates[i]);
    const auto width = static_cast<double>(shapes[node].channels);
    const double mean_active = sums.active_experts[i] / static_cast<double>(sums.samples);
    layers.push_back({{"name", architecture.nodes[node].name},
                      {"experts", shapes[node].channels},
                      {"density", mean_active / width}});
    active += mean_active;
    experts += width;
  }
  *density = active / experts;
  return layers;
}

}  // namespace

json evaluate(Model& model, std::shared_ptr<const Dataset> dataset, const Options& options,
              const EventCallback& callback) {
  return evaluate_gates(model, std::move(dataset), options, callback, {});
}

json evaluate_gates(Model& model, std::shared_ptr<const Dataset> dataset, const Options& options,
                    const EventCallback& callback, const GateObserver& observer) {
  const Architecture& architecture = model.architecture();
  Network& network = model.network();
  if (dataset->size() == 0) fail(ErrorCode::invalid_argument, dataset->description(), " holds no images");
  if (dataset->num_classes() > architecture.num_classes()) {
    fail(ErrorCode::invalid_argument, dataset->description(), " has ", dataset->num_classes(),
         " classes, but the model tells ", architecture.num_classes(), " apart");
  }
  const std::int64_t image_size = model.options().integer("image_size");
  Transform transform = evaluation_transform(*dataset, image_size);
  LoaderOptions loader_options;
  loader_options.batch_size = options.integer("batch_size");
  loader_options.num_workers = options.integer("num_workers");
  loader_options.prefetch = options.integer("prefetch");
  const std::int64_t samples = dataset->size();
  Loader loader(std::move(dataset), transform, loader_options);

  const LossWeights weights{options.real("lambda_val"), options.real("mu"), 0.0,
                            gate_norm_from(options.text("gate_norm"))};
  const Cost network_cost = cost(architecture, image_size);
  const std::int64_t top = std::min<std::int64_t>(5, architecture.num_classes());
  Sums sums;
  sums.active_experts.resize(architecture.gates().size(), 0.0);

  const auto start = std::chrono::steady_clock::now();
  const c10::NoGradGuard no_gradient;
  Batch batch;
  while (loader.next(batch)) {
    with_libtorch_errors([&] {
      const at::Tensor images =
          at::from_blob(const_cast<float*>(batch.images),
                        {batch.size, architecture.image_channels, image_size, image_size}, at::kFloat)
              .to(network.device());
      const at::Tensor labels =
          at::from_blob(const_cast<std::int64_t*>(batch.labels), {batch.size}, at::kLong)
              .to(network.device());
      const Network::Outputs outputs = network.forward(images, false);
      const Loss loss = compute_loss(outputs, labels, weights);
      sums.loss += loss.total.item<double>() * static_cast<double>(batch.size);
      sums.correct += outputs.logits.argmax(1).eq(labels).sum().item<std::int64_t>();
      const at::Tensor best = std::get<1>(outputs.logits.topk(top, 1));
      sums.correct_in_top5 += best.eq(labels.unsqueeze(1)).any(1).sum().item<std::int64_t>();
      if (!outputs.gates.empty()) add_gates(architecture, network_cost, outputs.gates, sums);
      if (observer) observer(outputs.gates);
      sums.samples += batch.size;
    });
    if (callback) {
      const std::int32_t answer = callback(Event::validation, {{"done", sums.samples}, {"samples", samples}});
      if (answer != 0) throw Cancelled(answer);
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  const auto count = static_cast<double>(sums.samples);
  json result = {{"samples", sums.samples},
                 {"loss", sums.loss / count},
                 {"accuracy", static_cast<double>(sums.correct) / count},
                 {"top5_accuracy", static_cast<double>(sums.correct_in_top5) / count},
                 {"density", 1.0},
                 {"layers", json::array()},
                 {"dense_macs", network_cost.dense_macs},
                 {"active_macs", network_cost.dense_macs},
                 {"parameters", network_cost.parameters},
                 {"seconds", seconds},
                 {"images_per_second", count / seconds}};
  if (architecture.gated()) {
    double density = 1.0;
    result["layers"] = layer_densities(architecture, sums, &density);
    result["density"] = density;
    result["active_macs"] = sums.active_macs / count;
  }
  return result;
}

}  // namespace deepmoe
