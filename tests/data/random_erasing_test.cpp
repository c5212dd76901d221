#include "data/random_erasing.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace deepmoe;

TEST_CASE("erased rectangles lie within the image and have the shares and shapes that are allowed") {
  RandomStream random(1);
  double sum = 0.0;
  int tall = 0, wide = 0;
  constexpr int count = 5000;
  for (int i = 0; i < count; ++i) {
    const Rectangle erased = random_erased_rectangle({200, 200}, random);
    REQUIRE(erased.top >= 0);
    REQUIRE(erased.left >= 0);
    REQUIRE(erased.top + erased.height <= 200);
    REQUIRE(erased.left + erased.width <= 200);
    const double share = static_cast<double>(erased.height * erased.width) / 40000.0;
    const double shape = static_cast<double>(erased.height) / static_cast<double>(erased.width);
    REQUIRE(share > 0.019);
    REQUIRE(share < 0.334);
    REQUIRE(shape > 0.29);
    REQUIRE(shape < 3.4);
    sum += share;
    tall += shape > 1;
    wide += shape < 1;
  }
  CHECK(sum / count == doctest::Approx(0.175).epsilon(0.05));
  CHECK(std::abs(tall - wide) < count / 10);
}

TEST_CASE("nothing is erased from an image that no rectangle fits into") {
  RandomStream random(1);
  CHECK(random_erased_rectangle({1, 1}, random) == Rectangle{});
}
