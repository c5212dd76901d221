#include "table.hpp"

#include <algorithm>
#include <sstream>

#include "text.hpp"

namespace deepmoe::command {
namespace {

constexpr std::size_t gap = 2;

/// Characters, not bytes, of UTF-8.
std::size_t shown_width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void strip_trailing_spaces(std::string& line) { line.erase(line.find_last_not_of(' ') + 1); }

}  // namespace

std::vector<std::size_t> Table::column_widths() const {
  std::vector<std::size_t> widths;
  const auto widen = [&](const std::vector<std::string>& cells) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], shown_width(cells[i]));
  };
  widen(headings_);
  for (const std::vector<std::string>& row : rows_) widen(row);
  return widths;
}

std::string Table::text(const std::string& indent) const {
  const std::vector<std::size_t> widths = column_widths();
  std::string output;
  const auto print = [&](const std::vector<std::string>& cells) {
    std::string line = indent;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool right = i < alignments_.size() && alignments_[i] == Align::right;
      const std::string space(widths[i] - shown_width(cells[i]), ' ');
      const std::size_t start = line.size();
      if (i + 1 == cells.size() && width_ > start + 20) {
        std::istringstream pieces(wrap(cells[i], width_ - start));
        std::string piece;
        for (bool first = true; std::getline(pieces, piece); first = false) {
          if (!first) line += "\n" + std::string(start, ' ');
          line += piece;
        }
      } else {
        line += right ? space + cells[i] : cells[i] + space;
      }
      if (i + 1 < cells.size()) line += std::string(gap, ' ');
    }
    strip_trailing_spaces(line);
    output += line + "\n";
  };
  if (!headings_.empty()) {
    print(headings_);
    std::vector<std::string> rules;
    for (std::size_t i = 0; i < headings_.size(); ++i) {
      const bool last = i + 1 == headings_.size();
      rules.emplace_back(last && width_ > 0 ? shown_width(headings_[i]) : widths[i], '-');
    }
    print(rules);
  }
  for (const std::vector<std::string>& row : rows_) print(row);
  return output;
}

}  // namespace deepmoe::command
