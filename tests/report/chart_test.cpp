#include "report/chart.hpp"

#include <doctest/doctest.h>

using namespace deepmoe;

TEST_CASE("ticks are round numbers within the axis") {
  CHECK(round_ticks(0, 1, 5) == std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1});
  CHECK(round_ticks(0, 6.2e6, 5) == std::vector<double>{0, 2e6, 4e6, 6e6});
  CHECK(round_ticks(-3, 7, 2) == std::vector<double>{0, 5});
  CHECK(round_ticks(4, 4, 5) == std::vector<double>{4});
}

TEST_CASE("a chart maps its axes to the plane and names them") {
  Chart chart(352, 200, "a <label>", {.name = "x & more", .from = 10, .to = 20}, {.name = "y"});
  CHECK(chart.x(10) < chart.x(20));
  CHECK(chart.x(15) == doctest::Approx((chart.x(10) + chart.x(20)) / 2));
  CHECK(chart.y(0) > chart.y(1));
  CHECK(chart.x(20) < 352);
  CHECK(chart.y(0) < 200);
  const std::string markup = chart.markup();
  CHECK(markup.find("aria-label=\"a &lt;label&gt;\"") != std::string::npos);
  CHECK(markup.find(">x &amp; more</text>") != std::string::npos);
  CHECK(markup.find(">y</text>") != std::string::npos);
}

TEST_CASE("an axis without extent is drawn in the middle") {
  const Chart chart(352, 200, "", {.name = "x", .from = 2, .to = 2}, {.name = "y", .from = 0, .to = 0});
  CHECK(chart.x(2) > 0);
  CHECK(chart.x(2) < 352);
  CHECK(chart.y(0) > 0);
}

TEST_CASE("a shape tells its value to the pointer and escapes it") {
  Svg svg(10, 10, "");
  svg.rectangle(0, 1, 2.25, 3, "bar", "<b>");
  svg.circle(1, 1, 1, "dot");
  CHECK(
      svg.markup().find(
          "<rect class=\"bar\" x=\"0\" y=\"1\" width=\"2.2\" height=\"3\"><title>&lt;b&gt;</title></rect>") !=
      std::string::npos);
  CHECK(coordinate(-0.01) == "0");
}
