#pragma once

/// The door of src/report: a report as one page of HTML.

#include <string>

#include "analysis/report.hpp"

namespace deepmoe {

/// The whole page: style, script, drawings and images are in it, and it asks for nothing from elsewhere. It
/// has a light and a dark form (prefers-color-scheme), and prints.
std::string report_page(const Report& report);

/// Writes report.html to a folder, which must be there, replacing an older one when complete.
void write_html_report(const Report& report, const std::string& folder);

}  // namespace deepmoe
