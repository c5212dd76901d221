#include "report/chart.hpp"

#include <algorithm>
#include <cmath>

#include "report/markup.hpp"
#include "report/numbers.hpp"

namespace deepmoe {
namespace {

constexpr double font_size = 11;

std::string tick_text(const Axis& axis, double value) { return axis.text ? axis.text(value) : brief(value); }

/// What the widest tick text takes.
double widest(const Axis& axis) {
  double width = 0;
  for (const double tick : round_ticks(axis.from, axis.to, axis.ticks)) {
    width = std::max(width, text_width(tick_text(axis, tick), font_size));
  }
  return width;
}

}  // namespace

std::vector<double> round_ticks(double from, double to, int count) {
  std::vector<double> ticks;
  if (!(to > from) || count < 1) return {from};
  const double rough = (to - from) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= rough * 0.999) {
      step = factor * power;
      break;
    }
  }
  const double slack = 1e-9 * step;
  for (double number = std::ceil((from - slack) / step); number * step <= to + slack; ++number) {
    ticks.push_back(number == 0 ? 0 : number * step);
  }
  return ticks;
}

Chart::Chart(double width, double height, std::string_view label, const Axis& x, const Axis& y)
    : svg_(width, height, label), x_from_(x.from), x_to_(x.to), y_from_(y.from), y_to_(y.to) {
  // The name of y stands upright at the left edge, and its ticks between that and the plane.
  left_ = 18 + widest(y) + 6;
  const std::vector<double> ticks = round_ticks(x.from, x.to, x.ticks);
  right_ = width - std::max(8.0, text_width(tick_text(x, ticks.back()), font_size) / 2 + 1);
  top_ = 8;
  bottom_ = height - 36;
  draw_ticks(x, y);
}

double Chart::x(double value) const {
  const double share = x_to_ > x_from_ ? (value - x_from_) / (x_to_ - x_from_) : 0.5;
  return left_ + share * (right_ - left_);
}

double Chart::y(double value) const {
  const double share = y_to_ > y_from_ ? (value - y_from_) / (y_to_ - y_from_) : 0.5;
  return bottom_ - share * (bottom_ - top_);
}

void Chart::draw_ticks(const Axis& x_axis, const Axis& y_axis) {
  for (const double tick : round_ticks(y_from_, y_to_, y_axis.ticks)) {
    svg_.line(left_, y(tick), right_, y(tick), "grid");
    svg_.text(left_ - 5, y(tick) + 4, tick_text(y_axis, tick), Anchor::end, "tick");
  }
  double free_from = -1;
  for (const double tick : round_ticks(x_from_, x_to_, x_axis.ticks)) {
    svg_.line(x(tick), bottom_, x(tick), bottom_ + 4, "axis");
    const std::string text = tick_text(x_axis, tick);
    const double half = text_width(text, font_size) / 2;
    if (x(tick) - half < free_from) continue;  // It would run into the one before.
    svg_.text(x(tick), bottom_ + 16, text, Anchor::middle, "tick");
    free_from = x(tick) + half + 4;
  }
  svg_.line(left_, bottom_, right_, bottom_, "axis");
  const auto centred = [](const std::string& name, double middle, double room) {
    const double half = text_width(name, font_size) / 2 + 2;
    return std::clamp(middle, std::min(half, room / 2), std::max(room - half, room / 2));
  };
  const double width = svg_.width(), height = svg_.height();
  const std::string x_name = shortened(x_axis.name, width - 4, font_size);
  const std::string y_name = shortened(y_axis.name, height - 4, font_size);
  svg_.text(centred(x_name, (left_ + right_) / 2, width), height - 5, x_name, Anchor::middle, "name");
  svg_.text(11, centred(y_name, (top_ + bottom_) / 2, height), y_name, Anchor::middle, "name", -90);
}

}  // namespace deepmoe
