#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <string>
#include <vector>

namespace deepmoe {

/// One axis of a heat map.
struct MapAxis {
  std::string name;                 ///< e.g. "classes, those routed alike beside each other"
  std::string word;                 ///< of one row or column, e.g. "class"
  std::vector<std::string> labels;  ///< for each row or column; empty: they are numbered from 0
};

/// A matrix of shares (0..1) as an image, which stays small whatever its size.
struct HeatMap {
  Eigen::MatrixXd shares;
  MapAxis rows, columns;
  std::string value;     ///< what a share is, e.g. "share of the class's images"
  bool numbers = false;  ///< also write each share as a percentage; for up to 11 columns
  /// So many neighbouring rows (columns) become one, their mean.
  std::int64_t row_step = 1, column_step = 1;
};

/// How many rows of a matrix must become one so that no more than `pixels` are drawn of it.
std::int64_t map_step(double rows, double columns, double pixels);

/// As SVG. The page's script tells each value under the pointer; named rows and columns are the classes in
/// the order of the page.
std::string heat_map(const HeatMap& map);

}  // namespace deepmoe
