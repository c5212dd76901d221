#include "training/gate_statistics.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>

#include "architecture/gate_selection.hpp"
#include "model/tensor_bridge.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

constexpr const char* section = "gate_statistics";

double effective_number(std::span<const double> sums) {
  const double total = std::accumulate(sums.begin(), sums.end(), 0.0);
  if (!(total > 0.0)) return 0.0;
  double entropy = 0.0;
  for (const double sum : sums) {
    const double share = sum / total;
    if (share > 0.0) entropy -= share * std::log(share);
  }
  return std::exp(entropy);
}

json layer_statistics(std::span<const std::int64_t> uses, std::span<const double> sums, std::int64_t images) {
  const auto experts = static_cast<double>(uses.size()), count = static_cast<double>(images);
  const auto active = static_cast<double>(std::accumulate(uses.begin(), uses.end(), std::int64_t(0)));
  return {{"experts", uses.size()},
          {"density", active / count / experts},
          {"dead_experts", std::count(uses.begin(), uses.end(), 0)},
          {"always_on_experts", std::count(uses.begin(), uses.end(), images)},
          {"effective_experts", effective_number(sums)},
          {"mean_gate", std::accumulate(sums.begin(), sums.end(), 0.0) / count / experts}};
}

json network_statistics(const json& layers, GateNorm norm) {
  const auto sum = [&](const char* name) {
    return std::accumulate(
        layers.begin(), layers.end(), std::int64_t(0),
        [&](std::int64_t all, const json& layer) { return all + layer.at(name).get<std::int64_t>(); });
  };
  double active = 0.0, effective = 0.0, loss = 0.0;
  std::int64_t dead_layers = 0;
  for (const json& layer : layers) {
    active += layer["density"].get<double>() * layer["experts"].get<double>();
    effective += layer["effective_experts"].get<double>();
    loss += layer["gate_loss"].get<double>();
    if (layer["dead_experts"] == layer["experts"]) ++dead_layers;
  }
  const std::int64_t experts = sum("experts");
  return {{"experts", experts},
          {"density", active / static_cast<double>(experts)},
          {"dead_experts", sum("dead_experts")},
          {"always_on_experts", sum("always_on_experts")},
          {"effective_experts", effective},
          {"dead_layers", dead_layers},
          {"gate_loss", norm == GateNorm::hoyer ? loss / static_cast<double>(layers.size()) : loss}};
}

}  // namespace

GateStatistics::GateStatistics(const Architecture& architecture, GateNorm norm, const at::Device& device)
    : architecture_(architecture), norm_(norm), widths_(expert_counts(architecture)) {
  const std::int64_t experts = std::accumulate(widths_.begin(), widths_.end(), std::int64_t(0));
  uses_ = at::zeros({experts}, at::TensorOptions(device).dtype(at::kLong));
  sums_ = at::zeros({experts}, at::TensorOptions(device).dtype(at::kDouble));
  losses_ =
      at::zeros({static_cast<std::int64_t>(widths_.size())}, at::TensorOptions(device).dtype(at::kDouble));
}

void GateStatistics::reset() {
  uses_.zero_();
  sums_.zero_();
  losses_.zero_();
  images_ = 0;
}

void GateStatistics::gather(ProcessGroup& processes) {
  if (processes.alone()) return;
  for (const at::Tensor& sums : {uses_, sums_, losses_}) processes.sum(sums);
  const at::Tensor images = at::full({1}, images_, at::kLong);
  processes.sum(images);
  images_ = *images.const_data_ptr<std::int64_t>();
}

void GateStatistics::add(const std::vector<at::Tensor>& gates) {
  const c10::NoGradGuard no_gradient;
  const at::Tensor all = at::cat(gates, 1).to(at::kFloat);
  const std::int64_t count = all.size(0);
  uses_.add_(all.gt(0).sum(0));
  sums_.add_(all.sum(0, /*keepdim=*/false, at::kDouble));
  std::vector<at::Tensor> losses;
  for (const at::Tensor& layer : all.split_with_sizes(widths_, 1))
    losses.push_back(gate_loss({layer}, norm_));
  losses_.add_(at::stack(losses).to(at::kDouble), static_cast<double>(count));
  images_ += count;
}

json GateStatistics::read() const {
  if (images_ == 0) return nullptr;
  const at::Tensor uses = uses_.cpu(), sums = sums_.cpu(), losses = losses_.cpu();
  const auto* use = uses.const_data_ptr<std::int64_t>();
  const auto* sum = sums.const_data_ptr<double>();
  json layers = json::array();
  const std::vector<std::int32_t> gates = architecture_.gates();
  for (std::size_t i = 0; i < widths_.size(); ++i) {
    const auto width = static_cast<std::size_t>(widths_[i]);
    json layer = layer_statistics({use, width}, {sum, width}, images_);
    layer["name"] = architecture_.nodes[static_cast<std::size_t>(gates[i])].name;
    layer["gate_loss"] = losses.const_data_ptr<double>()[i] / static_cast<double>(images_);
    layers.push_back(std::move(layer));
    use += width;
    sum += width;
  }
  json statistics = network_statistics(layers, norm_);
  statistics["layers"] = std::move(layers);
  return statistics;
}

void GateStatistics::save(Checkpoint& checkpoint) const {
  checkpoint.set(section, {{"images", images_}},
                 {to_shared("uses", uses_), to_shared("sums", sums_), to_shared("losses", losses_)});
}

void GateStatistics::load(const Checkpoint& checkpoint) {
  const std::int64_t images =
      checkpoint.integer(section, "images", 0, std::numeric_limits<std::int64_t>::max());
  const auto stored = [&](const char* name, DataType type, const at::Tensor& present) {
    return to_torch(checkpoint.tensor(section, name, type, present.sizes().vec()));
  };
  const at::Tensor uses = stored("uses", DataType::i64, uses_), sums = stored("sums", DataType::f64, sums_),
                   losses = stored("losses", DataType::f64, losses_);
  uses_.copy_(uses);
  sums_.copy_(sums);
  losses_.copy_(losses);
  images_ = images;
}

}  // namespace deepmoe
