#include <algorithm>
#include <cmath>

#include "base/base.hpp"
#include "report/chart.hpp"
#include "report/figure.hpp"
#include "report/markup.hpp"
#include "report/numbers.hpp"

namespace deepmoe {
namespace {

struct Curve {
  const char* column;
  const char* name;
};

/// Curves over the epochs, those of the run that have a number, which `text` writes.
std::string curves_figure(const PageSource& source, const std::string& title, const std::string& unit,
                          const std::vector<Curve>& curves, std::string (*text)(double) = brief) {
  const RunCurves& run = source.report.run;
  double lowest = 0, highest = 0;
  bool any = false;
  const std::vector<std::optional<double>> epochs = run.column("epoch");
  for (const Curve& curve : curves) {
    for (const std::optional<double>& value : run.column(curve.column)) {
      if (!value) continue;
      lowest = any ? std::min(lowest, *value) : std::min(*value, 0.0);
      highest = any ? std::max(highest, *value) : *value;
      any = true;
    }
  }
  if (!any || epochs.empty()) return {};
  const auto last = static_cast<double>(epochs.size());
  const auto whole = [](double tick) {
    return tick == std::floor(tick) ? grouped(static_cast<std::int64_t>(tick)) : std::string();
  };
  Chart chart(
      352, 230, title,
      {.name = "epoch", .from = std::min(1.0, last), .to = std::max(last, 2.0), .text = whole, .ticks = 6},
      {.name = unit, .from = lowest, .to = highest > lowest ? highest * 1.03 : lowest + 1, .text = text});
  std::string legend = "<p class=\"legend\">";
  const char* const classes[] = {"one", "two", "three"};
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const std::vector<std::optional<double>> values = run.column(curves[i].column);
    std::vector<double> path;
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (values[k]) path.insert(path.end(), {chart.x(static_cast<double>(k) + 1), chart.y(*values[k])});
    }
    if (path.empty()) continue;
    chart.svg().polyline(path, concat("curve ", classes[i]));
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (!values[k]) continue;
      chart.svg().circle(chart.x(static_cast<double>(k) + 1), chart.y(*values[k]), 2.5,
                         concat("dot ", classes[i]),
                         concat("epoch ", k + 1, ": ", curves[i].name, " ", text(*values[k])));
    }
    legend += concat("<span><i class=\"", classes[i], "\"></i>", escaped(curves[i].name), "</span> ");
  }
  return figure(title, chart.markup() + legend + "</p>\n",
                concat(counted(static_cast<std::int64_t>(epochs.size()), "epoch", "epochs"),
                       " of the training, from metrics.csv \u00b7 active in training: gate > 0"));
}

}  // namespace

std::string run_section(const PageSource& source) {
  const std::string figures =
      curves_figure(source, "Loss", "loss", {{"train_loss", "training"}, {"val_loss", "validation"}}) +
      curves_figure(source, "Accuracy", "accuracy (share)",
                    {{"train_acc", "training"}, {"val_acc", "validation"}}) +
      curves_figure(source, "Density", "active / all experts", {{"density", "density"}}) +
      curves_figure(source, "Active MACs", "MACs of an image",
                    {{"active_macs", "active"}, {"dense_macs", "dense"}}, round_magnitude) +
      curves_figure(source, "Dead and always-on experts", "experts",
                    {{"dead_experts", "dead"}, {"always_on_experts", "always on"}}) +
      curves_figure(source, "Learning rate", "learning rate", {{"lr", "learning rate"}});
  if (figures.empty()) return {};
  return section("run", "The training", concat("<div class=\"grid\">", figures, "</div>"));
}

}  // namespace deepmoe
