#include "data/random_augment.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>

#include "data/random_bytes.hpp"

using namespace deepmoe;

namespace {

/// Unlike noise, such an image has neither black nor white, so that every operation shows.
ByteImage photograph() {
  ByteImage image = random_bytes(32, 32, 7);
  for (std::uint8_t& pixel : image.pixels) pixel = static_cast<std::uint8_t>(30 + pixel * 3 / 4);
  return image;
}

ByteImage operated(const AugmentOperation& operation, double strength) {
  ByteImage image = photograph();
  operation.apply(image, strength);
  return image;
}

bool has_strength(const AugmentOperation& operation) {
  return operation.name != "identity" && operation.name != "auto_contrast" && operation.name != "equalize";
}

}  // namespace

TEST_CASE("the operations of RandAugment are those of torchvision") {
  std::map<std::string, bool> directions;
  for (const AugmentOperation& operation : augment_operations()) {
    directions.emplace(operation.name, operation.has_direction);
  }
  CHECK(directions == std::map<std::string, bool>{{"identity", false},
                                                  {"shear_x", true},
                                                  {"shear_y", true},
                                                  {"translate_x", true},
                                                  {"translate_y", true},
                                                  {"rotate", true},
                                                  {"brightness", true},
                                                  {"color", true},
                                                  {"contrast", true},
                                                  {"sharpness", true},
                                                  {"posterize", false},
                                                  {"solarize", false},
                                                  {"auto_contrast", false},
                                                  {"equalize", false}});
}

TEST_CASE("operations of strength 0 change nothing and others something") {
  for (const AugmentOperation& operation : augment_operations()) {
    CAPTURE(operation.name);
    if (has_strength(operation)) {
      CHECK(operated(operation, 0.0).pixels == photograph().pixels);
      CHECK(operated(operation, 1.0).pixels != photograph().pixels);
      CHECK(operated(operation, 0.5).pixels != operated(operation, 1.0).pixels);
      if (operation.has_direction) CHECK(operated(operation, 1.0).pixels != operated(operation, -1.0).pixels);
    } else {
      CHECK((operated(operation, 0.3).pixels == photograph().pixels) == (operation.name == "identity"));
    }
  }
}

TEST_CASE("no operation changes nothing and the same random numbers give the same image") {
  ByteImage image = photograph();
  RandomStream random(3);
  random_augment(image, 0, 30, random);
  CHECK(image.pixels == photograph().pixels);
  ByteImage again = image;
  RandomStream first(4), second(4);
  random_augment(image, 3, 9, first);
  random_augment(again, 3, 9, second);
  CHECK(image.pixels == again.pixels);
}

TEST_CASE("every operation in both directions is drawn equally often") {
  std::map<std::uint64_t, int> expected;  // in 28ths
  for (const AugmentOperation& operation : augment_operations()) {
    expected[fingerprint(operated(operation, 0.6))] += operation.has_direction ? 1 : 2;
    if (operation.has_direction) expected[fingerprint(operated(operation, -0.6))] += 1;
  }
  constexpr int draws = 14000;
  std::map<std::uint64_t, int> seen;
  for (std::uint64_t seed = 0; seed < draws; ++seed) {
    ByteImage image = photograph();
    RandomStream random(mix_bits(seed));
    random_augment(image, 1, 18, random);
    ++seen[fingerprint(image)];
  }
  REQUIRE(seen.size() == expected.size());
  for (const auto& [result, share] : expected)
    CHECK(std::abs(seen[result] - share * draws / 28) < 100 * share);
}

TEST_CASE("several operations are applied one after another") {
  // One draw of an operation and, where it has a direction, one of that: so two draws follow from one stream.
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    ByteImage together = photograph(), apart = photograph();
    RandomStream first(seed), second(seed);
    random_augment(together, 2, 12, first);
    random_augment(apart, 1, 12, second);
    random_augment(apart, 1, 12, second);
    REQUIRE(together.pixels == apart.pixels);
  }
}
