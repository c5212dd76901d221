#pragma once

#include <optional>
#include <string>
#include <vector>

namespace deepmoe {

/// A run's metrics.csv: a row for each epoch.
struct RunCurves {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<double>>>
      rows;  ///< as long as the columns; empty cells and NaN are not defined

  /// The column of this name; empty where there is none.
  std::vector<std::optional<double>> column(const std::string& name) const;
};

/// Nothing where there is no such file. A row that is cut off, as that of an epoch under way may be, ends the
/// table. Throws Error(format) for what is no table of numbers.
RunCurves read_run_curves(const std::string& path);

}  // namespace deepmoe
