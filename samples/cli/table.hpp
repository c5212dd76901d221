#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace deepmoe::command {

/// A table of text: columns as wide as their content, numbers to the right.
class Table {
 public:
  enum class Align { left, right };

  /// Without headings no heading line is printed.
  explicit Table(std::vector<std::string> headings = {}, std::vector<Align> alignments = {})
      : headings_(std::move(headings)), alignments_(std::move(alignments)) {}

  /// Breaks the last column's lines so that the table is at most `width` wide.
  void wrap_last_column(std::size_t width) { width_ = width; }
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }

  std::string text(const std::string& indent = "") const;

 private:
  std::vector<std::size_t> column_widths() const;

  std::vector<std::string> headings_;
  std::vector<Align> alignments_;
  std::vector<std::vector<std::string>> rows_;
  std::size_t width_ = 0;
};

}  // namespace deepmoe::command
