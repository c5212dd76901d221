#include "training/run_summary.hpp"

#include <nlohmann/json.hpp>

namespace deepmoe {

using nlohmann::json;

void add_gate_figures(json& row, const json& statistics) {
  for (const char* name : {"layers", "experts", "density", "dead_experts", "always_on_experts",
                           "effective_experts", "dead_layers", "gate_loss", "gate_metrics"}) {
    if (statistics.contains(name)) row[name] = statistics[name];
  }
}

json run_summary(const RunProgress& progress, const Architecture& architecture, std::int64_t image_size,
                 const RunFolder& folder) {
  const Cost network_cost = cost(architecture, image_size);
  json result = {{"epochs", progress.epochs_done},
                 {"best_epoch", progress.best.best()},
                 {"parameters", network_cost.parameters},
                 {"dense_macs", network_cost.dense_macs},
                 {"layers", json::array()}};
  if (progress.epochs_done > 0) {
    const json& last_row = progress.rows.back();
    result["train_loss"] = last_row["train_loss"];
    result["train_accuracy"] = last_row["train_acc"];
    result["seconds_per_epoch"] = progress.seconds / static_cast<double>(progress.epochs_done);
    result["images_per_second"] = last_row["images_per_second"];
  }
  if (progress.best_evaluation.is_object()) {
    for (const char* name : {"accuracy", "top5_accuracy", "loss", "density", "layers", "active_macs"}) {
      result[name] = progress.best_evaluation[name];
    }
  }
  if (progress.best.best() > 0) {
    add_gate_figures(result, progress.rows[static_cast<std::size_t>(progress.best.best()) - 1]);
  }
  if (folder.exists()) {
    result["files"] = {{"config", folder.file("config.json")},
                       {"summary", folder.file("summary.json")},
                       {"last", folder.file("last.safetensors")}};
    if (progress.epochs_done > 0) result["files"]["metrics"] = folder.file("metrics.csv");
    if (progress.best.best() > 0) result["files"]["best"] = folder.file("best.safetensors");
  }
  return result;
}

}  // namespace deepmoe
