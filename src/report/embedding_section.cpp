#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/base.hpp"
#include "report/chart.hpp"
#include "report/figure.hpp"
#include "report/markup.hpp"
#include "report/numbers.hpp"

namespace deepmoe {
namespace {

/// Up to so many classes have a colour of their own each, named in the page's style.
constexpr std::size_t own_colours = 10;

/// Colour of a class by its place among those routed alike: neighbours look alike.
std::string colour_of(std::size_t place, std::size_t classes) {
  if (classes <= own_colours) return concat("var(--class-", place, ")");
  const auto hue =
      static_cast<int>(std::lround(330.0 * static_cast<double>(place) / static_cast<double>(classes)));
  return concat("hsl(", hue, " 65% 52%)");
}

std::string legend(const Report& report) {
  const std::vector<Eigen::Index>& order = report.routing.order;
  if (order.size() > own_colours) {
    return concat(
        "<p class=\"legend\"><span class=\"hues\"></span> ",
        counted(static_cast<std::int64_t>(order.size()), "class", "classes"),
        " in the order of their routing, ",
        escaped(shortened(report.class_names.at(static_cast<std::size_t>(order.front())), 120, 12)), " to ",
        escaped(shortened(report.class_names.at(static_cast<std::size_t>(order.back())), 120, 12)), "</p>\n");
  }
  std::string html = "<p class=\"legend\">";
  for (std::size_t i = 0; i < order.size(); ++i) {
    html += concat("<span><i style=\"background:", colour_of(i, order.size()), "\"></i>",
                   escaped(report.class_names.at(static_cast<std::size_t>(order[i]))), "</span> ");
  }
  return html + "</p>\n";
}

/// A little more than the numbers take.
Axis axis_of(const Eigen::VectorXd& numbers, const std::string& name) {
  const double margin = 0.04 * std::max(numbers.maxCoeff() - numbers.minCoeff(), 1e-9);
  return {.name = name, .from = numbers.minCoeff() - margin, .to = numbers.maxCoeff() + margin};
}

std::string scatter(const PageSource& source, const PrincipalComponents& components) {
  const Report& report = source.report;
  const Reservoir& sample = report.collection.embeddings();
  const Eigen::MatrixXd points = components.project(sample.vectors());
  const auto name = [&](Eigen::Index which) {
    return concat("principal component ", which + 1, " (", percent(components.share[which]),
                  " of the variance)");
  };
  Chart chart(352, 320, "Scatter plot of embeddings", axis_of(points.col(0), name(0)),
              axis_of(points.col(1), name(1)));
  std::map<Eigen::Index, std::size_t> places;
  for (const Eigen::Index label : report.routing.order) places.emplace(label, places.size());
  for (Eigen::Index i = 0; i < points.rows(); ++i) {
    const Eigen::Index label = sample.labels()[static_cast<std::size_t>(i)];
    chart.svg().circle(chart.x(points(i, 0)), chart.y(points(i, 1)), 2, "point",
                       report.class_names.at(static_cast<std::size_t>(label)),
                       colour_of(places.at(label), places.size()));
  }
  return figure("Embeddings of images", chart.markup() + legend(report),
                concat(counted(static_cast<std::int64_t>(sample.labels().size()), "image", "images"),
                       ", a random sample of ", figure_context(report)));
}

}  // namespace

std::string embedding_section(const PageSource& source) {
  const auto components = source.report.collection.covariance().principal_components(2);
  std::string body;
  if (!components || components->components.cols() < 2) {
    body = figure("Embeddings of images",
                  paragraph("Principal components are not defined: they need two images and two dimensions."),
                  figure_context(source.report));
  } else {
    body = scatter(source, *components);
  }
  return section("embedding", "What the embedding network sees",
                 concat("<div class=\"grid\">", body, "</div>"));
}

}  // namespace deepmoe
