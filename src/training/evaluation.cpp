#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/base.hpp"
#include "model/libtorch_errors.hpp"
#include "model/loss.hpp"
#include "model/precision.hpp"
#include "plugin/plugin.hpp"
#include "training/batch_feed.hpp"
#include "training/evaluation.hpp"
#include "training/gate_statistics.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

/// Sum of the images' active MACs. How many experts are active is kept on the device for many batches, so
/// that it is hardly ever waited for.
class ActiveMacs {
 public:
  ActiveMacs(const Architecture& architecture, const Cost& network_cost)
      : architecture_(architecture), cost_(network_cost) {}

  void add(const std::vector<at::Tensor>& gates) {
    std::vector<at::Tensor> counts;
    widths_.clear();
    for (const at::Tensor& layer : gates) {
      counts.push_back(layer.gt(0).sum(1));
      widths_.push_back(static_cast<double>(layer.size(1)));
    }
    pending_.push_back(at::stack(counts, 1));
    pending_images_ += gates.front().size(0);
    if (pending_images_ >= most_pending) fetch();
  }

  double read() {
    fetch();
    return sum_;
  }

 private:
  static constexpr std::int64_t most_pending = 4096;

  void fetch() {
    if (pending_.empty()) return;
    const at::Tensor counts = at::cat(pending_).cpu().contiguous();  // (images, layers)
    pending_.clear();
    pending_images_ = 0;
    const auto* active = counts.const_data_ptr<std::int64_t>();
    std::vector<double> densities(widths_.size());
    for (std::int64_t image = 0; image < counts.size(0); ++image) {
      for (std::size_t layer = 0; layer < widths_.size(); ++layer) {
        densities[layer] = static_cast<double>(*active++) / widths_[layer];
      }
      sum_ += active_macs(architecture_, cost_, densities);
    }
  }

  const Architecture& architecture_;
  const Cost& cost_;
  std::vector<double> widths_;
  std::vector<at::Tensor> pending_;
  std::int64_t pending_images_ = 0;
  double sum_ = 0.0;
};

/// Shows the gates of a batch to the plugins' metrics.
void add_gates(GateMetrics& metrics, const std::vector<at::Tensor>& gates) {
  for (std::size_t layer = 0; layer < gates.size(); ++layer) {
    const at::Tensor values = gates[layer].to(at::kCPU, at::kFloat).contiguous();
    metrics.add(static_cast<std::int64_t>(layer), values.const_data_ptr<float>(), values.size(0),
                values.size(1));
  }
}

}  // namespace

json evaluate(Model& model, std::shared_ptr<const Dataset> dataset, const Options& options,
              const EventCallback& callback) {
  return evaluate_gates(model, std::move(dataset), options, callback, {});
}

json evaluate_gates(Model& model, std::shared_ptr<const Dataset> dataset, const Options& options,
                    const EventCallback& callback, const GateObserver& observer, ProcessGroup* processes) {
  Network& network = model.network();
  const Precision precision = precision_from(options, network.device());
  const auto forward = [&](const at::Tensor& images) {
    const Autocast autocast(precision, network.device());
    return network.forward(images, false);
  };
  const Subject subject{model.architecture(), model.options().integer("image_size"), network.device(),
                        forward, processes};
  return evaluate_subject(subject, std::move(dataset), options, callback, observer);
}

json evaluate_subject(const Subject& subject, std::shared_ptr<const Dataset> dataset, const Options& options,
                      const EventCallback& callback, const GateObserver& observer) {
  const Architecture& architecture = subject.architecture;
  if (dataset->size() == 0) fail(ErrorCode::invalid_argument, dataset->description(), " holds no images");
  if (dataset->num_classes() > architecture.num_classes()) {
    fail(ErrorCode::invalid_argument, dataset->description(), " has ", dataset->num_classes(),
         " classes, but the model tells ", architecture.num_classes(), " apart");
  }
  const std::int64_t image_size = subject.image_size;
  const Transform transform = evaluation_transform(*dataset, image_size);
  LoaderOptions loader_options = evaluation_loader_options(options);
  if (subject.processes != nullptr) {
    loader_options.shard = {subject.processes->rank(), subject.processes->size()};
  }
  const std::int64_t samples = loader_options.shard.size(dataset->size());
  BatchFeed feed(std::move(dataset), transform, loader_options, subject.device);

  const LossWeights weights{options.real("lambda_val"), options.real("mu"), 0.0,
                            gate_norm_from(options.text("gate_norm"))};
  const Cost network_cost = cost(architecture, image_size);
  const std::int64_t top = std::min<std::int64_t>(5, architecture.num_classes());
  at::Tensor sums;  // f64 on the device: loss times images, correct, correct within the best 5
  ActiveMacs macs(architecture, network_cost);
  GateMetrics metrics(load_plugins(options), architecture);
  std::optional<GateStatistics> statistics;
  with_libtorch_errors([&] {
    sums = at::zeros({3}, at::TensorOptions(subject.device).dtype(at::kDouble));
    if (architecture.gated()) statistics.emplace(architecture, weights.gate_norm, subject.device);
  });
  std::int64_t done = 0;

  const auto start = std::chrono::steady_clock::now();
  const c10::NoGradGuard no_gradient;
  at::Tensor images, labels;
  while (feed.next(images, labels)) {
    with_libtorch_errors([&] {
      const Network::Outputs outputs = subject.forward(images);
      const Loss loss = compute_loss(outputs, labels, weights);
      const at::Tensor best = std::get<1>(outputs.logits.topk(top, 1)).eq(labels.unsqueeze(1));
      sums[0].add_(loss.total.to(at::kDouble), static_cast<double>(labels.size(0)));
      sums[1].add_(outputs.logits.argmax(1).eq(labels).sum());
      sums[2].add_(best.sum());
      if (statistics) {
        statistics->add(outputs.gates);
        macs.add(outputs.gates);
        if (observer) observer(outputs.gates);
        if (!metrics.empty()) add_gates(metrics, outputs.gates);
      }
      done += labels.size(0);
    });
    if (callback) {
      const std::int32_t answer = callback(Event::validation, {{"done", done}, {"samples", samples}});
      if (answer != 0) throw Cancelled(answer);
    }
  }
  double active_macs_sum = 0.0;
  with_libtorch_errors([&] {
    if (statistics) active_macs_sum = macs.read();
    sums = sums.cpu();
    if (subject.processes == nullptr || subject.processes->alone()) return;
    if (statistics) statistics->gather(*subject.processes);
    sums = at::cat({sums, at::tensor({active_macs_sum, static_cast<double>(done)}, at::kDouble)});
    subject.processes->sum(sums);
    active_macs_sum = sums[3].item<double>();
    done = static_cast<std::int64_t>(sums[4].item<double>());
  });
  json result = {{"samples", done},
                 {"density", 1.0},
                 {"layers", json::array()},
                 {"dense_macs", network_cost.dense_macs},
                 {"active_macs", network_cost.dense_macs},
                 {"parameters", network_cost.parameters}};
  const auto count = static_cast<double>(done);
  with_libtorch_errors([&] {
    result["loss"] = sums[0].item<double>() / count;
    result["accuracy"] = sums[1].item<double>() / count;
    result["top5_accuracy"] = sums[2].item<double>() / count;
    if (!statistics) return;
    result.update(statistics->read());
    result["active_macs"] = active_macs_sum / count;
  });
  if (!metrics.empty()) result["gate_metrics"] = metrics.read();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result["seconds"] = seconds;
  result["images_per_second"] = count / seconds;
  return result;
}

}  // namespace deepmoe
