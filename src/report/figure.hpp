#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/report.hpp"

namespace deepmoe {

/// What the sections of a page are made from: the report, and its figures as report_json gives them.
struct PageSource {
  const Report& report;
  const nlohmann::json& figures;
};

/// What every figure says of itself: what it is of ("layer x"; may be empty), images, split and threshold.
std::string figure_context(const Report& report, std::string_view subject = {});

/// A figure with its title above and its context below it. `body` is markup, the rest is escaped here.
std::string figure(std::string_view title, const std::string& body, std::string_view context,
                   std::string_view style_class = {});

/// A section with a heading. `body` is markup; empty for a section without anything.
std::string section(std::string_view identifier, std::string_view heading, const std::string& body);

/// A table of escaped cells, the first `names` columns being names and the rest numbers, which stand to the
/// right and are never broken. On narrow screens each row becomes a block in which every cell stands behind
/// its heading.
std::string html_table(const std::vector<std::string>& headings,
                       const std::vector<std::vector<std::string>>& rows, std::size_t names = 1);

/// A part that is folded until it is asked for, and open in print.
std::string folded(std::string_view summary, const std::string& body);

std::string paragraph(std::string_view text);

/// A number of the figures, not defined where it is null.
std::optional<double> figure_number(const nlohmann::json& value);

// The sections, in the order of the page.
std::string summary_section(const PageSource& source);
std::string layer_section(const PageSource& source);
std::string expert_section(const PageSource& source);
std::string class_section(const PageSource& source);
std::string prediction_section(const PageSource& source);
std::string embedding_section(const PageSource& source);
std::string run_section(const PageSource& source);
std::string drift_section(const PageSource& source);

}  // namespace deepmoe
