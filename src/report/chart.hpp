#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "report/svg.hpp"

namespace deepmoe {

/// One axis of a chart.
struct Axis {
  std::string name = {};  ///< with the unit, e.g. "active MACs of an image"
  double from = 0, to = 1;
  std::function<std::string(double)> text = {};  ///< of a tick; brief() where it is empty
  int ticks = 5;                                 ///< about as many
};

/// Round numbers in from..to, about `count` of them.
std::vector<double> round_ticks(double from, double to, int count);

/// A drawing with two axes, their names, ticks and a grid. What is not between the ends of an axis is for the
/// caller to leave out.
class Chart {
 public:
  Chart(double width, double height, std::string_view label, const Axis& x, const Axis& y);

  double x(double value) const;
  double y(double value) const;
  Svg& svg() { return svg_; }
  std::string markup() const { return svg_.markup(); }

 private:
  void draw_ticks(const Axis& x, const Axis& y);

  Svg svg_;
  double x_from_, x_to_, y_from_, y_to_;
  double left_, right_, top_, bottom_;  ///< the plane's edges in the drawing
};

}  // namespace deepmoe
