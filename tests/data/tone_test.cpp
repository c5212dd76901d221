#include "data/tone.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "data/random_bytes.hpp"

using namespace deepmoe;

TEST_CASE("posterize keeps the highest bits") {
  const ByteImage image = random_bytes(8, 9, 1);
  for (const int bits : {0, 3, 8}) {
    ByteImage result = image;
    posterize(result, bits);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
      REQUIRE(result.pixels[i] == image.pixels[i] / (1 << (8 - bits)) * (1 << (8 - bits)));
    }
  }
}

TEST_CASE("solarize turns bright values into their negative") {
  const ByteImage image = random_bytes(8, 9, 2);
  for (const double threshold : {0.0, 100.5, 200.0, 256.0}) {
    ByteImage result = image;
    solarize(result, threshold);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
      const int value = image.pixels[i];
      REQUIRE(result.pixels[i] == (value < threshold ? value : 255 - value));
    }
  }
}

TEST_CASE("stretching makes each colour reach from black to full") {
  ByteImage image = random_bytes(8, 9, 3);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>(60 + image.pixels[i] / 4);
  }
  std::fill_n(image.plane(2), image.plane_size(), std::uint8_t{77});
  stretch_contrast(image);
  for (std::int64_t channel = 0; channel < 2; ++channel) {
    const auto [low, high] =
        std::minmax_element(image.plane(channel), image.plane(channel) + image.plane_size());
    CHECK(*low == 0);
    CHECK(*high >= 254);  // cut off, not rounded, as torchvision does
  }
  CHECK(std::count(image.plane(2), image.plane(2) + image.plane_size(), 77) == image.plane_size());
}

TEST_CASE("equalized values are about equally frequent and keep their order") {
  ByteImage image = random_bytes(64, 64, 4);
  for (std::uint8_t& pixel : image.pixels) pixel = static_cast<std::uint8_t>(pixel * pixel / 255);
  const ByteImage before = image;
  equalize(image);
  std::array<int, 4> quarters{};
  for (std::int64_t i = 0; i < image.plane_size(); ++i) ++quarters[image.plane(0)[i] / 64U];
  for (const int count : quarters) CHECK(std::abs(count - 1024) < 250);
  for (std::int64_t i = 1; i < image.plane_size(); ++i) {
    if (before.plane(0)[i] <= before.plane(0)[0]) REQUIRE(image.plane(0)[i] <= image.plane(0)[0]);
  }
}

TEST_CASE("a plane of one value stays as it is when equalized") {
  ByteImage image = random_bytes(8, 8, 5);
  std::fill(image.pixels.begin(), image.pixels.end(), std::uint8_t{90});
  const ByteImage before = image;
  equalize(image);
  CHECK(image.pixels == before.pixels);
}

TEST_CASE("tones equal those of torchvision") {
  const auto result = [](auto change) {
    ByteImage image = formula_bytes();
    change(image);
    return fingerprint(image);
  };
  // torchvision 0.29 on tensors of bytes.
  CHECK(result([](ByteImage& image) { posterize(image, 4); }) == 157265648);
  CHECK(result([](ByteImage& image) { posterize(image, 6); }) == 165729884);
  CHECK(result([](ByteImage& image) { solarize(image, 77); }) == 125409349);
  CHECK(result([](ByteImage& image) { solarize(image, 179); }) == 125611232);
  CHECK(result([](ByteImage& image) { stretch_contrast(image); }) == 177820719);
  CHECK(result([](ByteImage& image) { equalize(image); }) == 213516193);
}
