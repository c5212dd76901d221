#include "training/dead_layers.hpp"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/base.hpp"

namespace deepmoe {
namespace {

/// In network order.
std::vector<std::string> dead_of(const nlohmann::json& layers) {
  std::vector<std::string> names;
  for (const nlohmann::json& layer : layers) {
    if (layer.at("dead_experts") == layer.at("experts")) names.push_back(layer.at("name"));
  }
  return names;
}

}  // namespace

void DeadLayers::remember(const nlohmann::json& layers) {
  const std::vector<std::string> dead = dead_of(layers);
  dead_ = std::set<std::string>(dead.begin(), dead.end());
}

void DeadLayers::check(std::int64_t epoch, std::int64_t images, const nlohmann::json& layers) {
  std::vector<std::string> names = dead_of(layers);
  std::erase_if(names, [&](const std::string& name) { return dead_.count(name) > 0; });
  remember(layers);
  if (names.empty()) return;
  const bool one = names.size() == 1;
  log(LogLevel::warning,
      concat(one ? "layer " : "layers ", join(names), one ? " is" : " are", " dead after epoch ", epoch,
             ": no expert is active for any of ", images,
             " images, and what is never active gets no gradient and hardly ever comes back. Try ",
             advice()));
}

std::string DeadLayers::advice() const {
  std::vector<std::string> wishes;
  bool steered = false;
  for (const char* target : {"target_density", "target_macs"}) {
    if (options_.real(target) == 0.0) continue;
    steered = true;
    wishes.push_back(concat("a larger ", target, " (it is ", options_.value(target), ")"));
  }
  if (!steered && options_.real("lambda_val") > 0.0) {
    wishes.push_back(concat("a smaller lambda_val (it is ", options_.value("lambda_val"), ")"));
  }
  wishes.push_back(concat("a lower lr (it is ", options_.value("lr"), ")"));
  wishes.push_back(concat("a longer warmup_epochs (it is ", options_.value("warmup_epochs"), ")"));
  if (options_.text("gate_init") != "unit") wishes.push_back("gate_init unit");
  return join(wishes, " or ");
}

}  // namespace deepmoe
