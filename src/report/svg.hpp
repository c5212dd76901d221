#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace deepmoe {

/// How a text stands to its place.
enum class Anchor { start, middle, end };

/// A drawing of a fixed size in pixels, y downwards. Colours come from the classes of the page's style, so
/// that they follow its light and dark forms. `title` is shown when the pointer rests on a shape; texts are
/// escaped here.
class Svg {
 public:
  /// `label` tells what is drawn to those who can't see it.
  Svg(double width, double height, std::string_view label);

  void rectangle(double x, double y, double width, double height, std::string_view style_class,
                 std::string_view title = {});
  void line(double x1, double y1, double x2, double y2, std::string_view style_class);
  /// Through points (x, y) one after the other.
  void polyline(const std::vector<double>& points, std::string_view style_class);
  /// `colour` is a CSS colour, or empty for that of the class.
  void circle(double x, double y, double radius, std::string_view style_class, std::string_view title = {},
              std::string_view colour = {});
  /// `degrees` turns the text around its place, clockwise.
  void text(double x, double y, std::string_view content, Anchor anchor, std::string_view style_class = {},
            double degrees = 0, std::string_view title = {});
  /// Markup of the caller's own.
  void raw(const std::string& markup) { body_ += markup; }

  double width() const { return width_; }
  double height() const { return height_; }
  std::string markup() const;

 private:
  void finish(std::string_view element, std::string_view title);

  double width_, height_;
  std::string label_, body_;
};

/// A coordinate with as many decimals as a screen shows.
std::string coordinate(double number);

}  // namespace deepmoe
