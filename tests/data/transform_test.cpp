#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/require_error.hpp"
#include "data/data.hpp"
#include "data/normalization.hpp"
#include "data/random.hpp"
#include "data/random_resized_crop.hpp"
#include "data/resize.hpp"

using namespace deepmoe;

namespace {

/// A planar or interleaved image of random bytes with its view.
struct RandomImage {
  std::vector<std::uint8_t> pixels;
  ImageView view;

  RandomImage(std::int64_t channels, std::int64_t height, std::int64_t width, bool interleaved,
              std::uint64_t seed)
      : pixels(static_cast<std::size_t>(channels * height * width)) {
    RandomStream random(seed);
    for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random.next());
    view = {pixels.data(), PixelType::u8, channels, height, width, 0, 0, 0};
    view.channel_stride = interleaved ? 1 : height * width;
    view.row_stride = interleaved ? channels * width : width;
    view.column_stride = interleaved ? channels : 1;
  }
  RandomImage(const RandomImage&) = delete;
  RandomImage& operator=(const RandomImage&) = delete;

  float normalised(const Normalization& normalization, std::int64_t c, std::int64_t y, std::int64_t x) const {
    if (y < 0 || x < 0 || y >= view.height || x >= view.width) return 0.0F;
    const std::int64_t source_channel = view.channels == 1 ? 0 : c;
    const float pixel = pixels[static_cast<std::size_t>(source_channel * view.channel_stride +
                                                        y * view.row_stride + x * view.column_stride)];
    const auto i = static_cast<std::size_t>(c);
    return (pixel / 255.0F - normalization.mean[i]) / normalization.deviation[i];
  }

  /// Whether `output` is this image cropped at (top, left), and mirrored after that if `flip`.
  bool is_crop(const std::vector<float>& output, const Transform& transform, std::int64_t top,
               std::int64_t left, bool flip) const {
    const std::int64_t size = transform.image_size;
    for (std::int64_t c = 0; c < 3; ++c) {
      for (std::int64_t y = 0; y < size; ++y) {
        for (std::int64_t x = 0; x < size; ++x) {
          const float expected =
              normalised(transform.normalization, c, top + y, left + (flip ? size - 1 - x : x));
          if (std::abs(output[static_cast<std::size_t>((c * size + y) * size + x)] - expected) > 1e-5F)
            return false;
        }
      }
    }
    return true;
  }
};

std::vector<float> transformed(const Transform& transform, const ImageView& view, std::uint64_t seed) {
  std::vector<float> output(static_cast<std::size_t>(3 * transform.image_size * transform.image_size),
                            -1000.0F);
  apply_transform(transform, view, seed, output.data());
  return output;
}

}  // namespace

TEST_CASE("an image of the right size is only normalised in evaluation") {
  for (const bool interleaved : {false, true}) {
    for (const std::int64_t channels : {1, 3}) {
      const RandomImage image(channels, 13, 13, interleaved, 1);
      const Transform transform{13, 0, 0.0, kCifar10Normalization};
      for (std::uint64_t seed = 0; seed < 5; ++seed) {
        CHECK(image.is_crop(transformed(transform, image.view, seed), transform, 0, 0, false));
      }
    }
  }
}

TEST_CASE("training crops everywhere in the padded image and mirrors half of the time") {
  const Transform transform{8, 3, 0.5, kImagenetNormalization};
  for (const bool interleaved : {false, true}) {
    const RandomImage image(3, 8, 8, interleaved, 2);
    std::set<std::int64_t> tops, lefts;
    int flips = 0;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
      const std::vector<float> output = transformed(transform, image.view, mix_bits(seed));
      int matches = 0;
      for (std::int64_t top = -3; top <= 3; ++top) {
        for (std::int64_t left = -3; left <= 3; ++left) {
          for (const bool flip : {false, true}) {
            if (!image.is_crop(output, transform, top, left, flip)) continue;
            ++matches;
            tops.insert(top);
            lefts.insert(left);
            flips += flip;
          }
        }
      }
      REQUIRE(matches == 1);
    }
    CHECK(tops.size() == 7);
    CHECK(lefts.size() == 7);
    CHECK(flips > 150);
    CHECK(flips < 250);
  }
}

TEST_CASE("the same seed gives the same augmentation") {
  const RandomImage image(3, 16, 16, true, 3);
  const Transform transform{16, 4, 0.5, {}};
  CHECK(transformed(transform, image.view, 77) == transformed(transform, image.view, 77));
  CHECK(transformed(transform, image.view, 77) != transformed(transform, image.view, 78));
}

TEST_CASE("padding wider than the image leaves zeros and nothing worse") {
  const RandomImage image(3, 4, 4, false, 4);
  const Transform transform{4, 9, 0.5, {}};
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    for (const float value : transformed(transform, image.view, mix_bits(seed)))
      REQUIRE(std::abs(value) <= 1.0F);
  }
}

TEST_CASE("evaluation resizes the shorter side and crops the centre") {
  struct Case {
    std::int64_t height, width, image_size, resized_height, resized_width, top, left;
  };
  // Up to 64 pixels the shorter side becomes image_size, above 256/224 of it.
  for (const Case& c : {Case{40, 60, 32, 32, 48, 0, 8}, Case{90, 30, 32, 96, 32, 32, 0},
                        Case{300, 400, 112, 128, 170, 8, 29}, Case{20, 20, 32, 32, 32, 0, 0}}) {
    const RandomImage image(3, c.height, c.width, true, 5);
    const Transform transform{c.image_size, 0, 0.0, kImagenetNormalization};
    const std::vector<float> output = transformed(transform, image.view, 9);
    std::vector<float> expected(output.size());
    const double scale = static_cast<double>(c.height) / static_cast<double>(c.resized_height);
    const double column_scale = static_cast<double>(c.width) / static_cast<double>(c.resized_width);
    const auto size = static_cast<double>(c.image_size);
    const Area area{static_cast<double>(c.top) * scale, static_cast<double>(c.left) * column_scale,
                    size * scale, size * column_scale};
    resize_area(image.view, area, {c.image_size, c.image_size}, {}, false,
                {expected.data(), c.image_size * c.image_size, c.image_size});
    double largest = 0.0;
    const std::size_t plane = expected.size() / 3;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const float value = (expected[i] / 255.0F - kImagenetNormalization.mean[i / plane]) /
                          kImagenetNormalization.deviation[i / plane];
      largest = std::max(largest, static_cast<double>(std::abs(value - output[i])));
    }
    CHECK(largest < 1e-4);
  }
}

TEST_CASE("training on larger images crops somewhere within the resized image") {
  const RandomImage image(3, 24, 40, false, 6);
  const Transform transform{24, 2, 0.0, {}};  // the shorter side fits, so nothing is resized
  std::set<std::int64_t> lefts;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const std::vector<float> output = transformed(transform, image.view, mix_bits(seed));
    for (std::int64_t left = -2; left <= 18; ++left) {
      for (std::int64_t top = -2; top <= 2; ++top) {
        if (image.is_crop(output, transform, top, left, false)) lefts.insert(left);
      }
    }
  }
  CHECK(lefts.size() == 21);
}

TEST_CASE("float images are taken as they are") {
  std::vector<float> pixels(3 * 6 * 6);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i) * 0.1F - 3.0F;
  const ImageView view{pixels.data(), PixelType::f32, 3, 6, 6, 36, 6, 1};
  CHECK(transformed(Transform{6, 0, 0.0, kCifar10Normalization}, view, 1) == pixels);
}

TEST_CASE("the transforms of evaluation and training come from data set and options") {
  const std::vector<std::uint8_t> pixels(3 * 16 * 16);
  const std::int64_t label = 0;
  const auto dataset = array_dataset(pixels.data(), PixelType::u8, &label, 1, 3, 16, 16, false, 1, nullptr);
  Options options;
  options.set("crop_padding", "3");
  options.set("flip", "0.25");
  const Transform training = training_transform(*dataset, 16, options);
  CHECK(training.crop_padding == 3);
  CHECK(training.flip_probability == 0.25);
  CHECK_FALSE(training.random_resized_crop);
  for (const auto& [name, value] :
       {std::pair{"random_resized_crop", "true"}, std::pair{"random_augment", "2"},
        std::pair{"random_augment_magnitude", "7"}, std::pair{"color_jitter", "0.4"},
        std::pair{"random_erasing", "0.1"}}) {
    options.set(name, value);
  }
  const Transform strong = training_transform(*dataset, 16, options);
  CHECK(strong.random_resized_crop);
  CHECK(strong.random_augment == 2);
  CHECK(strong.random_augment_magnitude == 7);
  CHECK(strong.color_jitter == 0.4);
  CHECK(strong.random_erasing == 0.1);
  CHECK(training.normalization.mean == kCifar10Normalization.mean);
  const Transform evaluation = evaluation_transform(*dataset, 16);
  CHECK(evaluation.image_size == 16);
  CHECK(evaluation.crop_padding == 0);
  CHECK(evaluation.flip_probability == 0.0);
  require_error(ErrorCode::invalid_argument, {"image_size is 0"}, [&] { evaluation_transform(*dataset, 0); });
}

TEST_CASE("images with other numbers of channels are refused") {
  const std::vector<std::uint8_t> pixels(4 * 8 * 8);
  const ImageView view{pixels.data(), PixelType::u8, 4, 8, 8, 64, 8, 1};
  require_error(ErrorCode::invalid_argument, {"4 channels"}, [&] {
    transformed(Transform{8, 0, 0.0, {}}, view, 1);
  });
}

TEST_CASE("a random resized crop shows its part of the image and nothing around it") {
  // Value 100 inside and 200 in the last column: where the crop stops before it, no pixel may show it.
  RandomImage image(3, 40, 60, true, 8);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = i / 3 % 60 == 59 ? 200 : 100;
  Transform transform{16, 4, 0.0, {}};
  transform.random_resized_crop = true;
  int with_column = 0, without_column = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    RandomStream random(mix_bits(seed));
    random.next();  // whether to flip
    const Rectangle crop = random_resized_crop({40, 60}, random);
    const std::vector<float> output = transformed(transform, image.view, mix_bits(seed));
    const float largest = *std::max_element(output.begin(), output.end());
    const float smallest = *std::min_element(output.begin(), output.end());
    CHECK(smallest == doctest::Approx(100.0 / 255.0));
    if (crop.left + crop.width == 60) {
      CHECK(largest > 105.0F / 255.0F);
      ++with_column;
    } else {
      CHECK(largest == doctest::Approx(100.0 / 255.0));
      ++without_column;
    }
  }
  CHECK(with_column > 0);
  CHECK(without_column > 0);
}

TEST_CASE("augmentations of strength 0 leave the pixels alone") {
  const RandomImage image(3, 16, 16, true, 9);
  const Transform plain{16, 2, 0.5, kImagenetNormalization};
  Transform transform = plain;
  transform.random_augment_magnitude = 30;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CHECK(transformed(transform, image.view, seed) == transformed(plain, image.view, seed));
  }
  // The way to bytes and back is exact for pixels, padding becoming the mean pixel.
  transform.color_jitter = 1e-12;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<float> expected = transformed(plain, image.view, seed);
    const std::vector<float> output = transformed(transform, image.view, seed);
    for (std::size_t i = 0; i < output.size(); ++i) {
      // A factor a trifle below 1 may take the next lower byte.
      REQUIRE(std::abs(output[i] - expected[i]) < 3.1F / 255.0F / 0.22F);
    }
  }
}

TEST_CASE("erasing sets a rectangle to the mean with its probability") {
  const RandomImage image(3, 32, 32, true, 10);
  Transform transform{32, 0, 0.0, {{-0.5F, -0.5F, -0.5F}, {1.0F, 1.0F, 1.0F}}};  // so that no pixel becomes 0
  transform.random_erasing = 0.25;
  int erased_images = 0;
  double erased_share = 0.0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const std::vector<float> output = transformed(transform, image.view, mix_bits(seed));
    const auto zeros = static_cast<double>(std::count(output.begin(), output.end(), 0.0F));
    if (zeros == 0.0) continue;
    ++erased_images;
    erased_share += zeros / static_cast<double>(output.size());
  }
  CHECK(erased_images > 430);
  CHECK(erased_images < 570);
  CHECK(erased_share / erased_images > 0.13);
  CHECK(erased_share / erased_images < 0.22);
}

TEST_CASE("augmentation of bytes refuses floats") {
  const std::vector<float> pixels(3 * 8 * 8);
  const ImageView view{pixels.data(), PixelType::f32, 3, 8, 8, 64, 8, 1};
  Transform transform{8, 0, 0.0, {}};
  transform.random_erasing = 1.0;
  CHECK_NOTHROW(transformed(transform, view, 1));
  transform.color_jitter = 0.1;
  require_error(ErrorCode::invalid_argument, {"color_jitter", "bytes"},
                [&] { transformed(transform, view, 1); });
}
