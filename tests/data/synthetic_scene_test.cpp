#include "data/synthetic_scene.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <tuple>
#include <vector>

using namespace deepmoe;

TEST_CASE("every class is a combination of its own") {
  for (const std::int64_t classes : {1, 3, 5, 6, 10, 11, 60, 240, 241, 1440}) {
    std::set<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>> seen;
    for (std::int64_t label = 0; label < classes; ++label) {
      const SyntheticClass kind = synthetic_class(label, classes);
      seen.emplace(kind.orientation, kind.spacing, kind.shape, kind.arrangement, kind.background);
    }
    CHECK(static_cast<std::int64_t>(seen.size()) == classes);
  }
}

TEST_CASE("a property is left to chance in all classes or in none") {
  for (const std::int64_t classes : {4, 10, 40, 200, 1000}) {
    const SyntheticClass first = synthetic_class(0, classes);
    for (std::int64_t label = 0; label < classes; ++label) {
      const SyntheticClass kind = synthetic_class(label, classes);
      CHECK((kind.shape < 0) == (first.shape < 0));
      CHECK((kind.arrangement < 0) == (first.arrangement < 0));
      CHECK((kind.background < 0) == (first.background < 0));
    }
  }
}

TEST_CASE("the mean image of a class says nothing") {
  // Colours and contrast are drawn symmetrically, so the means of any two classes agree up to chance.
  constexpr std::int64_t side = 16, images = 2000;
  const auto mean_of = [](std::int64_t label) {
    std::vector<double> mean(3 * side * side);
    std::vector<std::uint8_t> pixels(mean.size());
    for (std::int64_t i = 0; i < images; ++i) {
      draw_synthetic(synthetic_class(label, 10), side, static_cast<std::uint64_t>(label * images + i) * 977,
                     pixels.data());
      for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += pixels[k] / static_cast<double>(images);
    }
    return mean;
  };
  const std::vector<double> first = mean_of(0), second = mean_of(7);
  double squares = 0.0;
  for (std::size_t k = 0; k < first.size(); ++k) squares += (first[k] - second[k]) * (first[k] - second[k]);
  // A pixel deviates by some 45, the mean of 2000 by 1, the difference of two means by 1.5.
  CHECK(std::sqrt(squares / static_cast<double>(first.size())) < 3.0);
}
