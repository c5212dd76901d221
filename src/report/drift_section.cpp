#include <algorithm>
#include <numeric>

#include "base/base.hpp"
#include "report/figure.hpp"
#include "report/markup.hpp"
#include "report/numbers.hpp"

namespace deepmoe {
namespace {

constexpr std::size_t listed_parameters = 30;

std::string overview(const PageSource& source, const ReportDrift& drift) {
  const ReportDrift::Figures &before = drift.before, &after = drift.after;
  const std::vector<std::vector<std::string>> rows{
      {"accuracy", percent(before.accuracy, 2), percent(after.accuracy, 2)},
      {"density", fixed(before.density, 3), fixed(after.density, 3)},
      {"active MACs of an image", magnitude(before.active_macs), magnitude(after.active_macs)},
      {"dead experts", grouped(before.dead_experts), grouped(after.dead_experts)}};
  return figure("Before and after", html_table({"", "before", "after"}, rows), figure_context(source.report));
}

std::string layers(const PageSource& source, const ReportDrift& drift) {
  std::vector<std::vector<std::string>> rows;
  for (const ReportDrift::Layer& layer : drift.layers) {
    rows.push_back({layer.name, fixed(layer.routing.mean, 3), fixed(layer.routing.largest, 3),
                    fixed(layer.class_activation, 3), grouped(layer.routing.died),
                    grouped(layer.routing.revived)});
  }
  return figure(
      "Drift of the routing",
      html_table({"layer", "mean change", "largest change", "by class", "died", "revived"}, rows) +
          paragraph("Changes of the experts' utilisation (a share of the images), its mean over classes, and "
                    "experts that are dead after and were not before, or the other way round."),
      figure_context(source.report), "wide");
}

std::string parameters(const PageSource& source, const ReportDrift& drift) {
  std::vector<const ReportDrift::Parameter*> sorted;
  for (const ReportDrift::Parameter& parameter : drift.parameters) sorted.push_back(&parameter);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* one, const auto* other) {
    return one->drift.relative.value_or(-1) > other->drift.relative.value_or(-1);
  });
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < std::min(listed_parameters, sorted.size()); ++i) {
    const ParameterDrift& one = sorted[i]->drift;
    rows.push_back({sorted[i]->name, one.relative ? brief(*one.relative) : "not defined",
                    fixed(one.cosine, 3), brief(one.norm_before), brief(one.norm_after)});
  }
  if (rows.empty()) return {};
  return figure(
      "Parameters that changed most",
      html_table({"parameter", "distance / norm before", "cosine", "norm before", "norm after"}, rows),
      concat(counted(static_cast<std::int64_t>(sorted.size()), "parameter", "parameters"), " of ",
             source.report.weights, " against ", drift.reference, "; drift_parameters.csv has all"),
      "wide");
}

}  // namespace

std::string drift_section(const PageSource& source) {
  if (!source.report.drift) return {};
  const ReportDrift& drift = *source.report.drift;
  const std::string against = drift.reference.empty() ? "an earlier state" : drift.reference;
  return section("drift", "Drift",
                 concat("<p>Against ", escaped(against), ", on the same images.</p>", overview(source, drift),
                        layers(source, drift), parameters(source, drift)));
}

}  // namespace deepmoe
