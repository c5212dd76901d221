#include "report/svg.hpp"

#include <array>
#include <cstdio>

#include "base/base.hpp"
#include "report/markup.hpp"

namespace deepmoe {

std::string coordinate(double number) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.1f", number);
  std::string result = text.data();
  if (result.ends_with(".0")) result.resize(result.size() - 2);
  return result == "-0" ? "0" : result;
}

Svg::Svg(double width, double height, std::string_view label)
    : width_(width), height_(height), label_(escaped(label)) {}

void Svg::finish(std::string_view element, std::string_view title) {
  if (title.empty()) {
    body_ += "/>\n";
  } else {
    body_ += concat("><title>", escaped(title), "</title></", element, ">\n");
  }
}

void Svg::rectangle(double x, double y, double width, double height, std::string_view style_class,
                    std::string_view title) {
  body_ += concat("<rect class=\"", style_class, "\" x=\"", coordinate(x), "\" y=\"", coordinate(y),
                  "\" width=\"", coordinate(width), "\" height=\"", coordinate(height), "\"");
  finish("rect", title);
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view style_class) {
  body_ += concat("<line class=\"", style_class, "\" x1=\"", coordinate(x1), "\" y1=\"", coordinate(y1),
                  "\" x2=\"", coordinate(x2), "\" y2=\"", coordinate(y2), "\"/>\n");
}

void Svg::polyline(const std::vector<double>& points, std::string_view style_class) {
  body_ += concat("<polyline class=\"", style_class, "\" points=\"");
  for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
    body_ += concat(i > 0 ? " " : "", coordinate(points[i]), ",", coordinate(points[i + 1]));
  }
  body_ += "\"/>\n";
}

void Svg::circle(double x, double y, double radius, std::string_view style_class, std::string_view title,
                 std::string_view colour) {
  body_ += concat("<circle class=\"", style_class, "\" cx=\"", coordinate(x), "\" cy=\"", coordinate(y),
                  "\" r=\"", coordinate(radius), "\"");
  if (!colour.empty()) body_ += concat(" style=\"fill:", colour, "\"");
  finish("circle", title);
}

void Svg::text(double x, double y, std::string_view content, Anchor anchor, std::string_view style_class,
               double degrees, std::string_view title) {
  body_ += concat("<text x=\"", coordinate(x), "\" y=\"", coordinate(y), "\"");
  if (anchor != Anchor::start) {
    body_ += concat(" text-anchor=\"", anchor == Anchor::middle ? "middle" : "end", "\"");
  }
  if (!style_class.empty()) body_ += concat(" class=\"", style_class, "\"");
  if (degrees != 0) {
    body_ +=
        concat(" transform=\"rotate(", coordinate(degrees), " ", coordinate(x), " ", coordinate(y), ")\"");
  }
  body_ += ">";
  if (!title.empty()) body_ += concat("<title>", escaped(title), "</title>");
  body_ += escaped(content) + "</text>\n";
}

std::string Svg::markup() const {
  const std::string width = coordinate(width_), height = coordinate(height_);
  return concat("<svg role=\"img\" aria-label=\"", label_, "\" width=\"", width, "\" height=\"", height,
                "\" viewBox=\"0 0 ", width, " ", height, "\">\n", body_, "</svg>\n");
}

}  // namespace deepmoe
