#include "report/numbers.hpp"

#include <doctest/doctest.h>

using namespace deepmoe;

TEST_CASE("numbers are written as people read them") {
  CHECK(fixed(1.005, 2) == "1.00");
  CHECK(percent(0.5123) == "51.2 %");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(-1234567) == "-1,234,567");
  CHECK(magnitude(12) == "12");
  CHECK(magnitude(0.5) == "0.5");
  CHECK(magnitude(999.96e3) == "1.0 M");
  CHECK(magnitude(557889024) == "557.9 M");
  CHECK(round_magnitude(2e6) == "2 M");
  CHECK(round_magnitude(2.5e6) == "2.5 M");
  CHECK(brief(0.05) == "0.05");
  CHECK(brief(1e-5) == "1e-05");
  CHECK(counted(1, "image", "images") == "1 image");
  CHECK(counted(12000, "image", "images") == "12,000 images");
}

TEST_CASE("what is not defined is said in words") {
  CHECK(percent(std::optional<double>()) == "not defined");
  CHECK(fixed(std::optional<double>(), 3) == "not defined");
  CHECK(fixed(std::optional<double>(0.5), 3) == "0.500");
}
