#include "data/random_resized_crop.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdlib>

using namespace deepmoe;

TEST_CASE("random crops lie within the image and have the shapes and areas that are allowed") {
  for (const ImageExtent image : {ImageExtent{400, 400}, ImageExtent{300, 500}, ImageExtent{640, 480}}) {
    RandomStream random(1);
    for (int i = 0; i < 5000; ++i) {
      const Rectangle crop = random_resized_crop(image, random);
      REQUIRE(crop.top >= 0);
      REQUIRE(crop.left >= 0);
      REQUIRE(crop.top + crop.height <= image.height);
      REQUIRE(crop.left + crop.width <= image.width);
      const double share =
          static_cast<double>(crop.height * crop.width) / static_cast<double>(image.height * image.width);
      const double shape = static_cast<double>(crop.width) / static_cast<double>(crop.height);
      REQUIRE(share > 0.079);
      REQUIRE(share <= 1.0);
      REQUIRE(shape > 0.74);
      REQUIRE(shape < 1.35);
    }
  }
}

TEST_CASE("areas shapes and places of random crops are uniform") {
  // In a square every shape fits up to three quarters of the area, so nothing is drawn again below that.
  constexpr double least = 0.08, most = 0.74;
  std::array<int, 10> areas{}, shapes{}, places{};
  int count = 0;
  for (std::uint64_t seed = 0; seed < 40000; ++seed) {
    RandomStream random(stream_seed(seed, 3, 5));
    const Rectangle crop = random_resized_crop({1000, 1000}, random);
    const double share = static_cast<double>(crop.height * crop.width) / 1e6;
    if (share < least || share >= most) continue;
    ++count;
    const double shape = static_cast<double>(crop.width) / static_cast<double>(crop.height);
    const double place = (static_cast<double>(crop.left) + 0.5) / static_cast<double>(1001 - crop.width);
    const auto bin = [](double value) {
      return static_cast<std::size_t>(std::min(9.0, std::max(0.0, value * 10)));
    };
    ++areas[bin((share - least) / (most - least))];
    ++shapes[bin(0.5 + std::log(shape) / std::log(16.0 / 9.0))];
    ++places[bin(place)];
  }
  CHECK(count > 25000);
  for (const auto& counts : {areas, shapes, places}) {
    for (const int in_bin : counts) CHECK(std::abs(in_bin - count / 10) < count / 100);
  }
}

TEST_CASE("an image too long or too small for a random crop gives a part of an allowed shape") {
  RandomStream random(2);
  CHECK(random_resized_crop({30, 3000}, random) == Rectangle{0, 1480, 30, 40});
  CHECK(random_resized_crop({3000, 30}, random) == Rectangle{1480, 0, 40, 30});
  CHECK(random_resized_crop({1, 1}, random) == Rectangle{0, 0, 1, 1});
}
