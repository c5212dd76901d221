#include "report/heat_map.hpp"

#include <algorithm>
#include <cmath>

#include "base/base.hpp"
#include "report/chart.hpp"
#include "report/markup.hpp"
#include "report/numbers.hpp"
#include "report/palette_image.hpp"
#include "report/svg.hpp"

namespace deepmoe {
namespace {

constexpr double width = 352, font_size = 10;
constexpr Eigen::Index labelled_rows = 30, labelled_columns = 24;
constexpr double longest_label = 92;

/// Blocks of neighbours become their mean.
Eigen::MatrixXd reduced(const Eigen::MatrixXd& shares, Eigen::Index row_step, Eigen::Index column_step) {
  if (row_step <= 1 && column_step <= 1) return shares;
  const Eigen::Index rows = (shares.rows() + row_step - 1) / row_step;
  const Eigen::Index columns = (shares.cols() + column_step - 1) / column_step;
  Eigen::MatrixXd result(rows, columns);
  for (Eigen::Index i = 0; i < rows; ++i) {
    for (Eigen::Index j = 0; j < columns; ++j) {
      const Eigen::Index top = i * row_step, left = j * column_step;
      result(i, j) = shares
                         .block(top, left, std::min(row_step, shares.rows() - top),
                                std::min(column_step, shares.cols() - left))
                         .mean();
    }
  }
  return result;
}

std::vector<std::uint8_t> levels_of(const Eigen::MatrixXd& shares) {
  std::vector<std::uint8_t> levels;
  levels.reserve(static_cast<std::size_t>(shares.size()));
  for (Eigen::Index i = 0; i < shares.rows(); ++i) {
    for (const double share : shares.row(i)) {
      levels.push_back(
          static_cast<std::uint8_t>(std::lround(std::clamp(share, 0.0, 1.0) * (image_levels - 1))));
    }
  }
  return levels;
}

double longest(const std::vector<std::string>& labels) {
  double longest = 0;
  for (const std::string& label : labels) longest = std::max(longest, text_width(label, font_size));
  return std::min(longest, longest_label);
}

/// The drawing of one map.
class Drawing {
 public:
  Drawing(const HeatMap& map, const Eigen::MatrixXd& shares) : map_(map), shares_(shares) {
    names_rows_ = !map.rows.labels.empty() && map.row_step == 1 && map.shares.rows() <= labelled_rows;
    names_columns_ =
        !map.columns.labels.empty() && map.column_step == 1 && map.shares.cols() <= labelled_columns;
    left_ =
        18 + (names_rows_ ? longest(map.rows.labels) : text_width(grouped(map.shares.rows()), font_size)) + 6;
    const double row_height =
        std::clamp(280.0 / static_cast<double>(map.shares.rows()), names_rows_ ? 13.0 : 0.0, 30.0);
    plane_height_ = std::max(row_height * static_cast<double>(map.shares.rows()), 26.0);
    plane_width_ = width - left_ - 10;
    // A few columns need not be spread over the whole width.
    plane_width_ = std::min(plane_width_, 30.0 * static_cast<double>(map.shares.cols()));
    below_ = names_columns_ ? longest(map.columns.labels) + 8 : 18;
  }

  std::string markup() {
    Svg svg(width, plane_height_ + below_ + 56,
            map_.value + ": " + map_.rows.name + ", " + map_.columns.name);
    draw_image(svg);
    if (map_.numbers) draw_numbers(svg);
    draw_rows(svg);
    draw_columns(svg);
    draw_legend(svg);
    return svg.markup();
  }

 private:
  double column_width() const { return plane_width_ / static_cast<double>(map_.shares.cols()); }
  double row_height() const { return plane_height_ / static_cast<double>(map_.shares.rows()); }

  void draw_image(Svg& svg) const {
    const std::vector<std::uint8_t> png = palette_image(levels_of(shares_), shares_.rows(), shares_.cols());
    svg.raw(concat("<image class=\"map\" x=\"", coordinate(left_), "\" y=\"", coordinate(top), "\" width=\"",
                   coordinate(plane_width_), "\" height=\"", coordinate(plane_height_),
                   "\" preserveAspectRatio=\"none\" data-rows=\"", shares_.rows(), "\" data-columns=\"",
                   shares_.cols(), "\" data-row-step=\"", map_.row_step, "\" data-column-step=\"",
                   map_.column_step, "\" data-row-word=\"", escaped(map_.rows.word), "\" data-column-word=\"",
                   escaped(map_.columns.word), "\" data-row-names=\"", map_.rows.labels.empty() ? 0 : 1,
                   "\" data-column-names=\"", map_.columns.labels.empty() ? 0 : 1, "\" data-value=\"",
                   escaped(map_.value), "\" href=\"data:image/png;base64,", base64(png), "\"/>\n"));
    svg.rectangle(left_, top, plane_width_, plane_height_, "frame");
  }

  void draw_numbers(Svg& svg) const {
    for (Eigen::Index i = 0; i < map_.shares.rows(); ++i) {
      for (Eigen::Index j = 0; j < map_.shares.cols(); ++j) {
        const double share = map_.shares(i, j);
        if (share <= 0) continue;
        const std::string text = share < 0.01 ? "<1" : fixed(100 * share, 0);
        svg.text(left_ + (static_cast<double>(j) + 0.5) * column_width(),
                 top + (static_cast<double>(i) + 0.5) * row_height() + 3.5, text, Anchor::middle,
                 share > 0.6 ? "cell strong" : "cell");
      }
    }
  }

  void draw_rows(Svg& svg) const {
    if (names_rows_) {
      for (std::size_t i = 0; i < map_.rows.labels.size(); ++i) {
        const std::string& label = map_.rows.labels[i];
        svg.text(left_ - 5, top + (static_cast<double>(i) + 0.5) * row_height() + 3.5,
                 shortened(label, longest_label, font_size), Anchor::end, "small", 0, label);
      }
    } else {
      double free_from = -100;
      for (const double tick : ticks(map_.shares.rows(), plane_height_ / 24)) {
        const double y = top + (tick + 0.5) * row_height();
        if (y - free_from < 11) continue;
        svg.text(left_ - 5, y + 3.5, grouped(static_cast<std::int64_t>(tick)), Anchor::end, "small");
        free_from = y;
      }
    }
    const std::string name = shortened(map_.rows.name, plane_height_ + below_ + 40, 11);
    const double half = text_width(name, 11) / 2 + 2;
    svg.text(11, std::max(top + plane_height_ / 2, half), name, Anchor::middle, "name", -90);
  }

  void draw_columns(Svg& svg) const {
    const double y = top + plane_height_;
    if (names_columns_) {
      for (std::size_t i = 0; i < map_.columns.labels.size(); ++i) {
        const std::string& label = map_.columns.labels[i];
        svg.text(left_ + (static_cast<double>(i) + 0.5) * column_width() + 3.5, y + 5,
                 shortened(label, longest_label, font_size), Anchor::end, "small", -90, label);
      }
    } else {
      double free_from = -1;
      for (const double tick : ticks(map_.shares.cols(), plane_width_ / 44)) {
        const double x = left_ + (tick + 0.5) * column_width();
        const std::string text = grouped(static_cast<std::int64_t>(tick));
        const double half = text_width(text, font_size) / 2;
        if (x - half < free_from) continue;
        svg.text(x, y + 13, text, Anchor::middle, "small");
        free_from = x + half + 4;
      }
    }
    const std::string name = shortened(map_.columns.name, width - 4, 11);
    const double half = text_width(name, 11) / 2 + 2;
    svg.text(std::clamp(left_ + plane_width_ / 2, half, std::max(half, width - half)), y + below_ + 12, name,
             Anchor::middle, "name");
  }

  void draw_legend(Svg& svg) const {
    const double y = top + plane_height_ + below_ + 26;
    svg.rectangle(18, y, 80, 9, "ramp");
    svg.rectangle(18, y, 80, 9, "frame");
    svg.text(14, y + 8.5, "0", Anchor::end, "small");
    svg.text(102, y + 8.5, shortened("1  " + map_.value, width - 104, font_size), Anchor::start, "small");
  }

  static std::vector<double> ticks(Eigen::Index count, double about) {
    std::vector<double> whole;
    for (const double tick :
         round_ticks(0, static_cast<double>(count - 1), std::max(1, static_cast<int>(about)))) {
      if (tick == std::floor(tick)) whole.push_back(tick);
    }
    return whole;
  }

  static constexpr double top = 6;
  const HeatMap& map_;
  const Eigen::MatrixXd& shares_;
  bool names_rows_ = false, names_columns_ = false;
  double left_ = 0, below_ = 0, plane_width_ = 0, plane_height_ = 0;
};

}  // namespace

std::int64_t map_step(double rows, double columns, double pixels) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(rows * columns / pixels)));
}

std::string heat_map(const HeatMap& map) {
  return Drawing(map, reduced(map.shares, map.row_step, map.column_step)).markup();
}

}  // namespace deepmoe
