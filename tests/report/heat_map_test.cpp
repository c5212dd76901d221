#include "report/heat_map.hpp"

#include <doctest/doctest.h>

using namespace deepmoe;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a small map names its rows and columns and writes its numbers") {
  HeatMap map;
  map.shares = Eigen::MatrixXd{{1, 0, 0.25}, {0.5, 0.004, 0}};
  map.rows = {"label", "label", {"<a>", "b"}};
  map.columns = {"prediction", "prediction", {"x", "y", "z"}};
  map.value = "share of the label's images";
  map.numbers = true;
  const std::string markup = heat_map(map);
  for (const char* part :
       {">&lt;a&gt;</text>", ">z</text>", ">label</text>", ">prediction</text>", ">100</text>", ">25</text>",
        ">&lt;1</text>", "data:image/png;base64,", "data-rows=\"2\" data-columns=\"3\""}) {
    CAPTURE(part);
    CHECK(contains(markup, part));
  }
  CHECK_FALSE(contains(markup, "<a>"));
}

TEST_CASE("a large map is numbered and its neighbours are joined") {
  HeatMap map;
  map.shares = Eigen::MatrixXd::Constant(101, 50, 0.5);
  map.rows = {"classes", "class", std::vector<std::string>(101, "name")};
  map.columns = {"experts", "expert", {}};
  map.row_step = 4;
  const std::string markup = heat_map(map);
  CHECK(contains(markup, "data-rows=\"26\" data-columns=\"50\""));
  CHECK(contains(markup, "data-row-step=\"4\""));
  CHECK_FALSE(contains(markup, ">name</text>"));
  CHECK(contains(markup, ">100</text>"));
}

TEST_CASE("as many rows are joined as the room asks for") {
  CHECK(map_step(1000, 4000, 4.2e6) == 1);
  CHECK(map_step(1000, 20000, 4.2e6) == 5);
  CHECK(map_step(2, 4, 4.2e6) == 1);
}
