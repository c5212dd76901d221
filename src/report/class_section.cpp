#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/base.hpp"
#include "report/figure.hpp"
#include "report/heat_map.hpp"
#include "report/numbers.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

constexpr double most_pixels = 1e6;
constexpr std::size_t listed_confusions = 10;
/// Cells of larger maps have no room for a number.
constexpr Eigen::Index numbered_classes = 11;

std::vector<std::string> ordered_names(const Report& report) {
  std::vector<std::string> names;
  for (const Eigen::Index label : report.routing.order) {
    names.push_back(report.class_names.at(static_cast<std::size_t>(label)));
  }
  return names;
}

std::string with_step(std::string context, std::int64_t step) {
  if (step > 1) context += concat(" \u00b7 each cell is the mean of ", step, " x ", step, " neighbours");
  return context;
}

/// Neighbours become one along both sides.
std::int64_t square_step(Eigen::Index side) {
  std::int64_t step = 1;
  while (static_cast<double>(side) * static_cast<double>(side) / static_cast<double>(step * step) >
         most_pixels)
    ++step;
  return step;
}

std::string similarity_map(const PageSource& source) {
  const Report& report = source.report;
  HeatMap map;
  map.shares = report.routing.similarity;
  map.rows = {"classes by likeness of routing", "class", ordered_names(report)};
  map.columns = map.rows;
  map.columns.word = "class";
  map.value = "cosine of the experts' utilisation";
  map.row_step = map.column_step = square_step(map.shares.rows());
  return figure(
      "Classes that are routed alike", heat_map(map),
      with_step(
          figure_context(report,
                         concat("all ", counted(static_cast<std::int64_t>(report.collection.layers().size()),
                                                "layer", "layers"))),
          map.row_step));
}

std::string confusion_map(const PageSource& source) {
  const Report& report = source.report;
  const std::vector<Eigen::Index>& order = report.routing.order;
  HeatMap map;
  const Eigen::MatrixXd& confusion = report.collection.classification().confusion();
  const Eigen::ArrayXd images = confusion.rowwise().sum().array().max(1.0);
  map.shares = (confusion.array().colwise() / images).matrix()(order, order);
  map.rows = {"label", "label", ordered_names(report)};
  map.columns = {"prediction", "prediction", map.rows.labels};
  map.value = "share of the label's images";
  map.numbers = map.shares.rows() <= numbered_classes;
  map.row_step = map.column_step = square_step(map.shares.rows());
  std::string context = with_step(figure_context(report), map.row_step);
  if (map.numbers) context += " \u00b7 numbers in %";
  return figure("Confusion matrix", heat_map(map), context);
}

std::string worst_confusions(const PageSource& source) {
  const Report& report = source.report;
  const Eigen::MatrixXd& confusion = report.collection.classification().confusion();
  using Pair = std::tuple<double, Eigen::Index, Eigen::Index>;  // Minus the images, label, prediction.
  std::vector<Pair> pairs;
  for (Eigen::Index label = 0; label < confusion.rows(); ++label) {
    for (Eigen::Index predicted = 0; predicted < confusion.cols(); ++predicted) {
      if (label != predicted && confusion(label, predicted) > 0) {
        pairs.emplace_back(-confusion(label, predicted), label, predicted);
      }
    }
  }
  const auto kept = std::min(listed_confusions, pairs.size());
  std::partial_sort(pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(kept), pairs.end());
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < kept; ++i) {
    const auto& [minus, label, predicted] = pairs[i];
    rows.push_back({report.class_names.at(static_cast<std::size_t>(label)),
                    report.class_names.at(static_cast<std::size_t>(predicted)),
                    grouped(static_cast<std::int64_t>(-minus)),
                    percent(-minus / confusion.row(label).sum())});
  }
  const std::string body = rows.empty()
                               ? paragraph("No image was taken for another class.")
                               : html_table({"label", "taken for", "images", "of the label"}, rows, 2);
  return figure("Most frequent confusions", body, figure_context(report));
}

std::string class_table(const PageSource& source) {
  std::vector<std::vector<std::string>> rows;
  // The columns are narrow.
  const auto share = [](const json& value) {
    return value.is_null() ? std::string("-") : fixed(100 * value.get<double>(), 1);
  };
  for (const json& one : source.figures.at("classes")) {
    rows.push_back({one.at("name").get<std::string>(), grouped(one.at("samples").get<std::int64_t>()),
                    grouped(one.at("predicted").get<std::int64_t>()), share(one.at("precision")),
                    share(one.at("recall")), share(one.at("f1"))});
  }
  std::string table = html_table({"class", "images", "predicted", "precision %", "recall %", "F1 %"}, rows);
  if (rows.size() > 12)
    table = folded(counted(static_cast<std::int64_t>(rows.size()), "class", "classes"), table);
  return figure("Precision and recall of each class", table, figure_context(source.report));
}

}  // namespace

std::string class_section(const PageSource& source) {
  std::string maps = confusion_map(source);
  if (source.report.routing.order.size() > 1) maps += similarity_map(source);
  return section(
      "classes", "Classes",
      concat("<div class=\"grid\">", maps, worst_confusions(source), class_table(source), "</div>"));
}

}  // namespace deepmoe
