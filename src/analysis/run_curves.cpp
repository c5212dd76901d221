#include "analysis/run_curves.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "base/base.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char character : line) {
    if (character == ',') {
      cells.emplace_back();
    } else if (character != '\r') {
      cells.back() += character;
    }
  }
  return cells;
}

std::optional<double> number_of(const std::string& cell, const std::string& path) {
  if (cell.empty()) return std::nullopt;
  double number = 0;
  const char* const end = cell.data() + cell.size();
  if (const auto [stop, error] = std::from_chars(cell.data(), end, number);
      error != std::errc() || stop != end) {
    fail(ErrorCode::format, "'", path, "' is no table of a run: '", cell, "' is not a number");
  }
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

}  // namespace

std::vector<std::optional<double>> RunCurves::column(const std::string& name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  std::vector<std::optional<double>> values;
  if (found == columns.end()) return values;
  for (const auto& row : rows) values.push_back(row[static_cast<std::size_t>(found - columns.begin())]);
  return values;
}

RunCurves read_run_curves(const std::string& path) {
  RunCurves curves;
  std::string text;
  try {
    text = read_file(path, std::uint64_t(1) << 26);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) return curves;
    throw;
  }
  std::istringstream lines(text);
  std::string line;
  if (!std::getline(lines, line)) return curves;
  curves.columns = cells_of(line);
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() != curves.columns.size()) break;
    auto& row = curves.rows.emplace_back();
    for (const std::string& cell : cells) row.push_back(number_of(cell, path));
  }
  return curves;
}

}  // namespace deepmoe
