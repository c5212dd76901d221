#include "analysis_text.hpp"

#include <algorithm>

#include "table.hpp"
#include "text.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t columns = 80;
constexpr std::size_t bar_width = 10;
constexpr std::size_t longest_name = 20;

const std::string undefined = "-";

std::string share_text(const ordered_json& figure) {
  return figure.is_number() ? percent(figure.get<double>()) : undefined;
}

std::string number_text(const ordered_json& figure, int digits) {
  return figure.is_number() ? fixed(figure.get<double>(), digits) : undefined;
}

/// The end of a name tells layers apart.
std::string short_name(const std::string& name) {
  return name.size() <= longest_name ? name : "..." + name.substr(name.size() - longest_name + 3);
}

std::string headline(const ordered_json& report) {
  Table table;
  const ordered_json &metrics = report.at("metrics"), &macs = report.at("macs");
  const auto count = [&](const char* key) { return grouped(report.at(key).get<std::int64_t>()); };
  table.add(
      {"images", count("samples") + ", gates above " + option_text(report.at("threshold")) + " are active"});
  table.add({"accuracy", share_text(metrics.at("accuracy")) + ", top-" + metrics.at("top").dump() + " " +
                             share_text(metrics.at("top_accuracy"))});
  table.add({"calibration error", share_text(metrics.at("expected_calibration_error"))});
  const double dense = macs.at("dense"), mean = macs.at("mean");
  table.add({"MACs an image",
             magnitude(mean) + " of " + magnitude(dense) + ": " + percent(1 - mean / dense, 1) + " saved"});
  table.add({"lowest to highest", magnitude(macs.at("lowest").get<double>()) + " to " +
                                      magnitude(macs.at("highest").get<double>())});
  table.add({"experts", count("dead_experts") + " dead, " + count("always_on_experts") + " always on, " +
                            count("redundant_experts") + " redundant of " + count("experts")});
  table.add({"density", fixed(report.at("density").get<double>(), 3)});
  return table.text("  ");
}

std::string layer_text(const ordered_json& layers) {
  using enum Table::Align;
  Table table({"layer", "experts", "density", "", "dead", "on", "effective", "Gini"},
              {left, right, right, left, right, right, right, right});
  for (const ordered_json& layer : layers) {
    const double density = layer.at("density");
    table.add({short_name(layer.at("name")), layer.at("experts").dump(), fixed(density, 3),
               bar(density, bar_width), layer.at("dead_experts").dump(), layer.at("always_on_experts").dump(),
               number_text(layer.at("effective_experts"), 1), number_text(layer.at("gini"), 2)});
  }
  return table.text("  ");
}

std::string threshold_text(const ordered_json& points) {
  using enum Table::Align;
  Table table({"threshold", "accuracy", "density", "active MACs"}, {right, right, right, right});
  for (const ordered_json& point : points) {
    table.add({option_text(point.at("threshold")), share_text(point.at("accuracy")),
               number_text(point.at("density"), 3), magnitude(point.at("active_macs").get<double>())});
  }
  return table.text("  ");
}

std::string advice(const ordered_json& report) {
  const ordered_json& removal = report.at("removal");
  const auto count = [&](const char* key) { return removal.at(key).get<std::int64_t>(); };
  std::string text;
  if (count("removable") > 0) {
    const auto saved = [&](const char* before, const char* after) {
      return percent(1 - static_cast<double>(count(after)) / static_cast<double>(count(before)), 1);
    };
    text += wrap(grouped(count("removable")) + " of " + grouped(count("dead")) +
                     " experts whose gates are always 0 can be removed, which saves " +
                     saved("parameters_before", "parameters_after") + " of the parameters and " +
                     saved("dense_macs_before", "dense_macs_after") + " of the dense MACs:",
                 columns) +
            "\n" + report.at("compact_command").get<std::string>() + "\n";
  }
  std::string losing;
  for (const ordered_json& layer : report.at("layers")) {
    if (!layer.at("pays").get<bool>())
      losing += (losing.empty() ? "" : ", ") + layer.at("name").get<std::string>();
  }
  if (losing.empty()) {
    text += "Every gated layer saves more MACs than its gate head costs.\n";
  } else {
    text +=
        wrap("Layers that do not pay (their gate heads cost more MACs than they save): " + losing, columns) +
        "\n";
  }
  return text;
}

std::string drift_text(const ordered_json& drift) {
  using enum Table::Align;
  if (drift.is_null()) return {};
  Table figures({"", "before", "after"}, {left, right, right});
  const ordered_json &before = drift.at("before"), &after = drift.at("after");
  figures.add({"accuracy", share_text(before.at("accuracy")), share_text(after.at("accuracy"))});
  figures.add({"density", number_text(before.at("density"), 3), number_text(after.at("density"), 3)});
  figures.add({"active MACs", magnitude(before.at("active_macs").get<double>()),
               magnitude(after.at("active_macs").get<double>())});
  figures.add({"dead experts", before.at("dead_experts").dump(), after.at("dead_experts").dump()});
  Table layers({"layer", "mean change", "largest", "died", "revived"}, {left, right, right, right, right});
  for (const ordered_json& layer : drift.at("layers")) {
    layers.add({short_name(layer.at("name")), number_text(layer.at("mean"), 3),
                number_text(layer.at("largest"), 3), layer.at("died").dump(), layer.at("revived").dump()});
  }
  return "\n" + wrap("Drift from " + drift.at("reference").get<std::string>() + ":", columns) + "\n" +
         figures.text("  ") + "\n" + layers.text("  ");
}

}  // namespace

std::string analysis_text(const ordered_json& report) {
  std::string text =
      wrap(report.at("model").get<std::string>() + " on " + report.at("data").get<std::string>(), columns) +
      "\n" + headline(report) + "\n" + layer_text(report.at("layers"));
  if (!report.at("thresholds").empty()) text += "\n" + threshold_text(report.at("thresholds"));
  for (const ordered_json& note : report.at("notes")) {
    text += "\n" + wrap("Note: " + note.get<std::string>(), columns);
  }
  if (!report.at("notes").empty()) text += "\n";
  return text + "\n" + advice(report) + drift_text(report.at("drift"));
}

}  // namespace deepmoe::command
