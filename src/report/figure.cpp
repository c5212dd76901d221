#include "report/figure.hpp"

#include <nlohmann/json.hpp>

#include "base/base.hpp"
#include "report/markup.hpp"
#include "report/numbers.hpp"

namespace deepmoe {

std::string figure_context(const Report& report, std::string_view subject) {
  const Collection& collection = report.collection;
  return concat(subject, subject.empty() ? "" : " \u00b7 ", counted(collection.samples(), "image", "images"),
                " of ", report.data, " \u00b7 active: gate > ", brief(collection.settings().threshold));
}

std::string figure(std::string_view title, const std::string& body, std::string_view context,
                   std::string_view style_class) {
  return concat("<figure class=\"card ", style_class, "\">\n<h3>", escaped(title), "</h3>\n", body,
                "<figcaption>", escaped(context), "</figcaption>\n</figure>\n");
}

std::string section(std::string_view identifier, std::string_view heading, const std::string& body) {
  if (body.empty()) return {};
  return concat("<section id=\"", identifier, "\">\n<h2>", escaped(heading), "</h2>\n", body, "</section>\n");
}

std::string html_table(const std::vector<std::string>& headings,
                       const std::vector<std::vector<std::string>>& rows, std::size_t names) {
  const auto style = [&](std::size_t column) { return column < names ? " class=\"text\"" : ""; };
  std::string html = "<table><thead><tr>";
  for (std::size_t i = 0; i < headings.size(); ++i) {
    html += concat("<th", style(i), ">", escaped(headings[i]), "</th>");
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      html +=
          concat("<td", style(i), " data-label=\"", escaped(headings.at(i)), "\">", escaped(row[i]), "</td>");
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table>\n";
}

std::string folded(std::string_view summary, const std::string& body) {
  return concat("<details><summary>", escaped(summary), "</summary>\n", body, "</details>\n");
}

std::string paragraph(std::string_view text) { return concat("<p>", escaped(text), "</p>\n"); }

std::optional<double> figure_number(const nlohmann::json& value) {
  if (!value.is_number()) return std::nullopt;
  return value.get<double>();
}

}  // namespace deepmoe
