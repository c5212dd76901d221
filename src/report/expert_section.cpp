#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "analysis/class_figures.hpp"
#include "analysis/gate_figures.hpp"
#include "base/base.hpp"
#include "report/chart.hpp"
#include "report/figure.hpp"
#include "report/heat_map.hpp"
#include "report/markup.hpp"
#include "report/numbers.hpp"

namespace deepmoe {
namespace {

constexpr std::size_t bins = 20;
/// Of all maps of classes and experts together, so that the page stays small.
constexpr double most_pixels = 4.2e6;
/// Informed experts that are listed for the network.
constexpr std::size_t listed_experts = 10;

std::string utilisation_histogram(const PageSource& source, const LayerCounts& layer) {
  const Eigen::VectorXd shares =
      utilisation(layer.uses(), static_cast<double>(source.report.collection.samples()));
  std::array<std::int64_t, bins> counts{};
  for (const double share : shares) {
    ++counts[std::min(bins - 1, static_cast<std::size_t>(share * static_cast<double>(bins)))];
  }
  const auto most = static_cast<double>(*std::max_element(counts.begin(), counts.end()));
  const auto whole = [](double tick) {
    return tick == static_cast<double>(static_cast<std::int64_t>(tick))
               ? grouped(static_cast<std::int64_t>(tick))
               : std::string();
  };
  Chart chart(250, 150, "Histogram of the utilisation of the experts of " + layer.name,
              {.name = "share of the images", .ticks = 4},
              {.name = "experts", .to = most, .text = whole, .ticks = 3});
  for (std::size_t i = 0; i < bins; ++i) {
    if (counts[i] == 0) continue;
    const double from = static_cast<double>(i) / bins, to = static_cast<double>(i + 1) / bins;
    const double top = chart.y(static_cast<double>(counts[i]));
    chart.svg().rectangle(chart.x(from) + 0.5, top, chart.x(to) - chart.x(from) - 1, chart.y(0) - top, "bar",
                          concat(counted(counts[i], "expert", "experts"), " active for ", percent(from, 0),
                                 " to ", percent(to, 0), " of the images"));
  }
  return figure(shortened(layer.name, 240, 13), chart.markup(),
                figure_context(source.report, "layer " + layer.name), "small");
}

std::string class_map(const PageSource& source, const LayerCounts& layer, std::int64_t step) {
  const Report& report = source.report;
  HeatMap map;
  map.shares =
      class_activation(layer.class_uses, report.collection.class_samples())(report.routing.order, Eigen::all);
  map.rows = {step > 1 ? "classes, ordered by routing" : "classes by likeness of routing", "class", {}};
  for (const Eigen::Index label : report.routing.order) {
    map.rows.labels.push_back(report.class_names.at(static_cast<std::size_t>(label)));
  }
  map.columns = {"experts", "expert", {}};
  map.value = "share of the class's images";
  map.row_step = step;
  std::string context = figure_context(report, "layer " + layer.name);
  if (step > 1) context += concat(" \u00b7 each row is the mean of ", step, " neighbouring classes");
  return figure(shortened(layer.name, 340, 13), heat_map(map), context);
}

/// The experts that say most about the class, over all layers.
std::string informed_experts(const PageSource& source) {
  struct Expert {
    const std::string* layer;
    std::size_t number;
    double bits;
  };
  std::vector<Expert> experts;
  for (const nlohmann::json& layer : source.figures.at("layers")) {
    const nlohmann::json& information = layer.at("information");
    if (!information.is_array()) return {};
    for (std::size_t i = 0; i < information.size(); ++i) {
      experts.push_back({&layer.at("name").get_ref<const std::string&>(), i, information[i].get<double>()});
    }
  }
  const auto kept = std::min(listed_experts, experts.size());
  std::partial_sort(experts.begin(), experts.begin() + static_cast<std::ptrdiff_t>(kept), experts.end(),
                    [](const Expert& one, const Expert& other) { return one.bits > other.bits; });
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < kept; ++i) {
    rows.push_back({*experts[i].layer, std::to_string(experts[i].number), fixed(experts[i].bits, 3)});
  }
  return figure(
      "Experts that know the class best",
      html_table({"layer", "expert", "mutual information (bits)"}, rows) +
          paragraph("Between the class and whether the expert is active, corrected for chance (Miller and "
                    "Madow)."),
      figure_context(source.report));
}

std::string redundant_pairs(const PageSource& source) {
  std::vector<std::vector<std::string>> rows;
  for (const nlohmann::json& layer : source.figures.at("layers")) {
    for (const nlohmann::json& pair : layer.at("most_redundant")) {
      if (rows.size() < listed_experts) {
        rows.push_back({layer.at("name").get<std::string>(), pair.at("first").dump(),
                        pair.at("second").dump(), fixed(pair.at("correlation").get<double>(), 3)});
      }
    }
  }
  if (rows.empty()) return {};
  return figure("Experts that are interchangeable",
                html_table({"layer", "expert", "with", "correlation"}, rows) +
                    paragraph("Active for the same images; redundancy.csv lists more."),
                figure_context(source.report));
}

}  // namespace

std::string expert_section(const PageSource& source) {
  const Collection& collection = source.report.collection;
  std::string histograms, maps;
  const std::int64_t step = map_step(static_cast<double>(source.report.routing.order.size()),
                                     static_cast<double>(collection.experts()), most_pixels);
  for (const LayerCounts& layer : collection.layers()) {
    histograms += utilisation_histogram(source, layer);
    maps += class_map(source, layer, step);
  }
  return section("utilisation", "How often each expert works",
                 concat("<div class=\"grid small\">", histograms, "</div>")) +
         section("classes-experts", "Which classes each expert works for",
                 concat("<p>Each row is a class, each column an expert; hover to read a value, or see "
                        "class_activation.csv.</p><div class=\"grid\">",
                        maps, "</div>")) +
         section("experts", "Experts of note",
                 concat("<div class=\"grid\">", informed_experts(source), redundant_pairs(source), "</div>"));
}

}  // namespace deepmoe
