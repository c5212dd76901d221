#include "report/html_report.hpp"

#include <nlohmann/json.hpp>

#include "base/base.hpp"
#include "report/figure.hpp"
#include "report/markup.hpp"
#include "report/numbers.hpp"
#include "report/page_style.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

/// The names of the classes in the order of the maps, for the script.
std::string script_names(const Report& report) {
  std::string list;
  for (const Eigen::Index label : report.routing.order) {
    list +=
        concat(list.empty() ? "" : ",", script_text(report.class_names.at(static_cast<std::size_t>(label))));
  }
  return concat("const names = [", list, "];\n");
}

std::string header(const Report& report) {
  std::string links;
  const std::pair<const char*, const char*> sections[] = {
      {"layers", "Layers"},      {"utilisation", "Utilisation"}, {"classes-experts", "Classes x experts"},
      {"experts", "Experts"},    {"classes", "Classes"},         {"predictions", "Predictions"},
      {"embedding", "Embedding"}};
  for (const auto& [identifier, name] : sections) {
    links += concat("<a href=\"#", identifier, "\">", name, "</a> ");
  }
  if (!report.run.rows.empty()) links += "<a href=\"#run\">Training</a> ";
  if (report.drift) links += "<a href=\"#drift\">Drift</a>";
  return concat("<header>\n<h1>What the experts of ", escaped(report.model), " do</h1>\n<p>",
                escaped(figure_context(report)), report.weights.empty() ? "" : " \u00b7 ",
                escaped(report.weights), "</p>\n<nav>", links, "</nav>\n</header>\n");
}

/// The colour scale of all maps.
constexpr const char* definitions =
    "<svg class=\"defined\" aria-hidden=\"true\"><defs><linearGradient id=\"ramp\"><stop offset=\"0\" "
    "stop-color=\"#3182d8\" stop-opacity=\"0\"/><stop offset=\"1\" "
    "stop-color=\"#3182d8\"/></linearGradient></defs>"
    "</svg>\n";

}  // namespace

std::string report_page(const Report& report) {
  const nlohmann::json figures = report_json(report);
  const PageSource source{report, figures};
  std::string page = concat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
      "dark\">\n<title>",
      escaped(report.model), " on ", escaped(report.data), "</title>\n<style>", page_style,
      "</style>\n</head>\n<body>\n", definitions, header(report), "<main>\n");
  for (const auto& part : {summary_section, layer_section, expert_section, class_section, prediction_section,
                           embedding_section, run_section, drift_section}) {
    page += part(source);
  }
  return page + concat("</main>\n<div id=\"tip\" role=\"status\"></div>\n<script>\n", script_names(report),
                       page_script, "</script>\n</body>\n</html>\n");
}

void write_html_report(const Report& report, const std::string& folder) {
  write_file_atomically(folder + "/report.html", report_page(report));
}

}  // namespace deepmoe
