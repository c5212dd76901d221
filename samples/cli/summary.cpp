#include "summary.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "table.hpp"
#include "text.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t most_layers = 20;
constexpr std::size_t bar_width = 20;

/// Layers that share the first part of their names.
struct Stage {
  std::string name;
  std::size_t layers = 0;
  double experts = 0, active = 0, lowest = 1, highest = 0;
};

std::vector<Stage> stages_of(const ordered_json& layers) {
  std::vector<Stage> stages;
  for (const ordered_json& layer : layers) {
    const std::string name = layer.at("name");
    const std::string stage_name = name.substr(0, name.find('.'));
    if (stages.empty() || stages.back().name != stage_name) stages.push_back({stage_name});
    Stage& stage = stages.back();
    const double experts = layer.at("experts"), density = layer.at("density");
    ++stage.layers;
    stage.experts += experts;
    stage.active += experts * density;
    stage.lowest = std::min(stage.lowest, density);
    stage.highest = std::max(stage.highest, density);
  }
  return stages;
}

std::string stage_text(const std::vector<Stage>& stages) {
  using enum Table::Align;
  Table table({"stage", "layers", "experts", "density", "", "lowest to highest layer"},
              {left, right, right, right, left, left});
  for (const Stage& stage : stages) {
    const double density = stage.active / stage.experts;
    table.add({stage.name, std::to_string(stage.layers), fixed(stage.experts, 0), fixed(density, 3),
               bar(density, bar_width), fixed(stage.lowest, 3) + " to " + fixed(stage.highest, 3)});
  }
  return table.text("  ");
}

std::string layer_text(const ordered_json& layers) {
  using enum Table::Align;
  Table table({"layer", "experts", "density", "", "dead", "always on", "effective"},
              {left, right, right, left, right, right, right});
  for (const ordered_json& layer : layers) {
    const double density = layer.at("density");
    table.add({layer.at("name"), layer.at("experts").dump(), fixed(density, 3), bar(density, bar_width),
               fixed(number_or(layer, "dead_experts", 0), 0),
               fixed(number_or(layer, "always_on_experts", 0), 0),
               fixed(number_or(layer, "effective_experts", 0), 1)});
  }
  return table.text("  ");
}

}  // namespace

std::string density_text(const ordered_json& layers) {
  if (layers.size() > most_layers) {
    const std::vector<Stage> stages = stages_of(layers);
    if (stages.size() <= most_layers) return stage_text(stages);
  }
  return layer_text(layers);
}

std::string summary_text(const ordered_json& summary) {
  Table table;
  const auto add = [&](const char* key, const char* label, auto format) {
    if (has_number(summary, key)) table.add({label, format(summary.at(key).get<double>())});
  };
  const auto as_percent = [](double share) { return percent(share); };
  const auto as_count = [](double number) { return grouped(static_cast<std::int64_t>(number)); };
  const auto as_duration = [](double seconds) { return duration(seconds); };
  add("samples", "images", as_count);
  add("accuracy", "accuracy", as_percent);
  add("top5_accuracy", "top-5 accuracy", as_percent);
  add("loss", "loss", [](double loss) { return fixed(loss, 4); });
  add("best_epoch", "best epoch", as_count);
  add("parameters", "parameters", as_count);
  add("dense_macs", "dense MACs", magnitude);
  if (has_number(summary, "active_macs") && number_or(summary, "dense_macs", 0) > 0) {
    const double active = summary.at("active_macs");
    table.add({"active MACs", magnitude(active) + "  (" +
                                  percent(active / number_or(summary, "dense_macs", 1), 1) + " of dense)"});
  }
  add("seconds_per_epoch", "time per epoch", as_duration);
  add("seconds", "time", as_duration);
  add("images_per_second", "images per second", as_count);
  const bool gated = summary.contains("layers") && !summary.at("layers").empty();
  if (gated) add("density", "density", [](double density) { return fixed(density, 3); });
  if (const std::string experts = expert_text(summary); !experts.empty()) table.add({"experts", experts});
  std::string text = table.text("  ");
  if (gated) text += "\n" + density_text(summary.at("layers"));
  if (summary.contains("files") && !summary.at("files").empty()) {
    Table files;
    for (const auto& [kind, path] : summary.at("files").items()) files.add({kind, option_text(path)});
    text += "\n" + files.text("  ");
  }
  return text;
}

std::string expert_text(const ordered_json& figures) {
  if (!has_number(figures, "experts")) return {};
  const auto count = [&](const char* key) { return fixed(number_or(figures, key, 0), 0); };
  return count("dead_experts") + " dead, " + count("always_on_experts") + " always on, " +
         count("effective_experts") + " effective of " + count("experts") + " experts";
}

std::string outcome_line(const ordered_json& summary) {
  const double epochs = number_or(summary, "epochs", 0);
  std::string line = summary.value("stopped_early", false) ? "stopped early after " : "trained ";
  line += fixed(epochs, 0) + (epochs == 1 ? " epoch" : " epochs");
  line += " in " + duration(epochs * number_or(summary, "seconds_per_epoch", 0)) + ": ";
  if (has_number(summary, "accuracy")) {
    line += "accuracy " + percent(number_or(summary, "accuracy", 0)) + " in epoch ";
  } else {
    line += "training loss " + fixed(number_or(summary, "train_loss", 0), 4) + ", best in epoch ";
  }
  line += fixed(number_or(summary, "best_epoch", 0), 0);
  const double dense = number_or(summary, "dense_macs", 0), active = number_or(summary, "active_macs", dense);
  if (active < dense) {
    line += ", density " + fixed(number_or(summary, "density", 1), 3) + ", " + percent(active / dense, 1) +
            " of the dense MACs";
  }
  if (summary.contains("files") && summary.at("files").contains("best")) {
    line += "; weights in " + summary.at("files").at("best").get<std::string>();
  }
  return line;
}

}  // namespace deepmoe::command
