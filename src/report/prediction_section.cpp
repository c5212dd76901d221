#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/base.hpp"
#include "report/chart.hpp"
#include "report/figure.hpp"
#include "report/numbers.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

std::string percent_tick(double share) { return percent(share, 0); }

std::string reliability_diagram(const PageSource& source) {
  Chart chart(352, 250, "Reliability diagram: accuracy against confidence",
              {.name = "confidence (softmax of the class predicted)", .text = percent_tick},
              {.name = "accuracy", .text = percent_tick});
  for (const ReliabilityBin& bin : source.report.collection.classification().reliability()) {
    if (!bin.accuracy) continue;
    const double top = chart.y(*bin.accuracy), width = chart.x(bin.to) - chart.x(bin.from);
    const std::string title = concat("confidence ", percent(bin.from), " to ", percent(bin.to), ": ",
                                     counted(bin.samples, "image", "images"), ", mean confidence ",
                                     percent(bin.confidence), ", accuracy ", percent(bin.accuracy));
    chart.svg().rectangle(chart.x(bin.from) + 0.5, std::min(top, chart.y(0) - 1), width - 1,
                          std::max(chart.y(0) - top, 1.0), "bar", title);
  }
  chart.svg().line(chart.x(0), chart.y(0), chart.x(1), chart.y(1), "reference");
  const auto error = source.report.collection.classification().expected_calibration_error();
  return figure("Reliability", chart.markup(),
                figure_context(source.report) +
                    " \u00b7 dashed: perfectly calibrated \u00b7 expected calibration error " +
                    percent(error, 2));
}

std::string macs_histogram(const PageSource& source) {
  const Distribution& macs = source.report.collection.active_macs();
  const double dense = source.report.collection.dense_macs();
  const auto most = static_cast<double>(*std::max_element(macs.bins().begin(), macs.bins().end()));
  Chart chart(
      352, 230, "Histogram of the active MACs of the images",
      {.name = "active MACs of an image, up to the dense network's", .to = dense, .text = round_magnitude},
      {.name = "images", .to = most, .text = round_magnitude, .ticks = 4});
  for (std::size_t i = 0; i < macs.bins().size(); ++i) {
    if (macs.bins()[i] == 0) continue;
    const double from = static_cast<double>(i) * macs.bin_width(), to = from + macs.bin_width();
    const double top = chart.y(static_cast<double>(macs.bins()[i]));
    chart.svg().rectangle(chart.x(from), top, std::max(chart.x(to) - chart.x(from) - 0.5, 0.5),
                          chart.y(0) - top, "bar",
                          concat(counted(macs.bins()[i], "image", "images"), ": ", magnitude(from), " to ",
                                 magnitude(to), " MACs"));
  }
  if (const auto mean = macs.mean())
    chart.svg().line(chart.x(*mean), chart.y(0), chart.x(*mean), chart.y(most), "reference");
  return figure(
      "Active MACs of an image", chart.markup(),
      concat(figure_context(source.report), " \u00b7 dashed: mean ", magnitude(macs.mean().value_or(0)),
             "; 5 % to 95 %: ", magnitude(macs.quantile(0.05).value_or(0)), " to ",
             magnitude(macs.quantile(0.95).value_or(0))));
}

std::string threshold_chart(const PageSource& source) {
  std::vector<ThresholdPoint> points = source.report.thresholds;
  if (points.empty()) return {};
  std::sort(points.begin(), points.end(), [](const ThresholdPoint& one, const ThresholdPoint& other) {
    return one.active_macs < other.active_macs;
  });
  Chart chart(352, 250, "Accuracy against active MACs at thresholds of the gates",
              {.name = "active MACs of an image",
               .to = std::max(points.back().active_macs, 1.0) * 1.05,
               .text = round_magnitude},
              {.name = "accuracy", .text = percent_tick});
  std::vector<double> path;
  std::vector<std::vector<std::string>> rows;
  for (const ThresholdPoint& point : points) {
    path.insert(path.end(), {chart.x(point.active_macs), chart.y(point.accuracy)});
    rows.push_back({brief(point.threshold), percent(point.accuracy, 2), fixed(point.density, 3),
                    magnitude(point.active_macs)});
  }
  chart.svg().polyline(path, "curve one");
  for (const ThresholdPoint& point : points) {
    chart.svg().circle(
        chart.x(point.active_macs), chart.y(point.accuracy), 4, "dot one",
        concat("gates up to ", brief(point.threshold), " as 0: accuracy ", percent(point.accuracy, 2), ", ",
               magnitude(point.active_macs), " MACs, density ", fixed(point.density, 3)));
  }
  return figure("Accuracy against MACs when gates up to a threshold count as 0",
                chart.markup() + html_table({"threshold", "accuracy", "density", "active MACs"}, rows),
                concat(counted(points.front().samples, "image", "images"), " of ", source.report.data,
                       " \u00b7 thresholds as in the table"));
}

}  // namespace

std::string prediction_section(const PageSource& source) {
  return section("predictions", "Predictions and their cost",
                 concat("<div class=\"grid\">", reliability_diagram(source), macs_histogram(source),
                        threshold_chart(source), "</div>"));
}

}  // namespace deepmoe
