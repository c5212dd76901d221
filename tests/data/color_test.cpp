#include "data/color.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "data/random_bytes.hpp"

using namespace deepmoe;

namespace {

using Adjustment = void (*)(ByteImage&, double);
constexpr Adjustment kAdjustments[] = {adjust_brightness, adjust_contrast, adjust_saturation,
                                       adjust_sharpness};

ByteImage adjusted(Adjustment adjust, ByteImage image, double factor) {
  adjust(image, factor);
  return image;
}

}  // namespace

TEST_CASE("a factor of 1 changes no pixel") {
  const ByteImage image = random_bytes(9, 13, 1);
  for (const Adjustment adjust : kAdjustments) CHECK(adjusted(adjust, image, 1.0).pixels == image.pixels);
}

TEST_CASE("a factor of 0 gives the dull image") {
  const ByteImage image = random_bytes(9, 13, 2);
  for (const std::uint8_t value : adjusted(adjust_brightness, image, 0.0).pixels) REQUIRE(value == 0);
  const ByteImage flat = adjusted(adjust_contrast, image, 0.0);
  CHECK(std::set<int>(flat.pixels.begin(), flat.pixels.end()).size() == 1);
  const ByteImage grey = adjusted(adjust_saturation, image, 0.0);
  for (std::int64_t i = 0; i < grey.plane_size(); ++i) {
    REQUIRE(grey.plane(0)[i] == grey.plane(1)[i]);
    REQUIRE(grey.plane(0)[i] == grey.plane(2)[i]);
    const double expected =
        0.2989 * image.plane(0)[i] + 0.587 * image.plane(1)[i] + 0.114 * image.plane(2)[i];
    REQUIRE(std::abs(grey.plane(0)[i] - expected) <= 1.0);
  }
}

TEST_CASE("each adjustment blends with its dull image and stays within a byte") {
  const ByteImage image = random_bytes(9, 13, 3);
  for (const Adjustment adjust : kAdjustments) {
    const ByteImage dull = adjusted(adjust, image, 0.0);
    for (const double factor : {0.3, 0.9, 1.4, 3.0}) {
      const ByteImage result = adjusted(adjust, image, factor);
      for (std::size_t i = 0; i < image.pixels.size(); ++i) {
        const double expected =
            std::clamp(factor * image.pixels[i] + (1 - factor) * dull.pixels[i], 0.0, 255.0);
        // The dull image itself was rounded.
        REQUIRE(std::abs(result.pixels[i] - expected) <= 1.0 + std::abs(1 - factor));
      }
    }
  }
}

TEST_CASE("images too small to be smoothed keep their sharpness") {
  const ByteImage image = random_bytes(2, 9, 4);
  CHECK(adjusted(adjust_sharpness, image, 0.0).pixels == image.pixels);
}

TEST_CASE("colour jitter of strength 0 changes nothing and more of it more") {
  const ByteImage image = random_bytes(20, 20, 5);
  double last = -1.0;
  for (const double strength : {0.0, 0.1, 0.4, 1.0}) {
    double change = 0.0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      ByteImage jittered = image;
      RandomStream random(mix_bits(seed));
      jitter_colors(jittered, strength, random);
      for (std::size_t i = 0; i < image.pixels.size(); ++i)
        change += std::abs(jittered.pixels[i] - image.pixels[i]);
    }
    if (strength == 0.0) CHECK(change == 0.0);
    CHECK(change > last);
    last = change;
  }
}

TEST_CASE("adjustments equal those of torchvision") {
  struct Case {
    double factor;
    std::uint64_t brightness, contrast, saturation, sharpness;
  };
  // torchvision 0.29 on tensors of bytes.
  for (const Case& c :
       {Case{0.0, 0, 165534117, 166084393, 167425526}, Case{0.4, 66576739, 166163452, 166482218, 167042665},
        Case{1.7, 255385483, 170825125, 171799102, 168814589}}) {
    CAPTURE(c.factor);
    CHECK(fingerprint(adjusted(adjust_brightness, formula_bytes(), c.factor)) == c.brightness);
    CHECK(fingerprint(adjusted(adjust_contrast, formula_bytes(), c.factor)) == c.contrast);
    CHECK(fingerprint(adjusted(adjust_saturation, formula_bytes(), c.factor)) == c.saturation);
    CHECK(fingerprint(adjusted(adjust_sharpness, formula_bytes(), c.factor)) == c.sharpness);
  }
}
