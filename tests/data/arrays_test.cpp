#include <doctest/doctest.h>

#include "base/require_error.hpp"
#include "data/data.hpp"
#include "data/normalization.hpp"

using namespace deepmoe;

TEST_CASE("arrays of the host are viewed in place in both layouts") {
  std::vector<std::uint8_t> pixels(4 * 3 * 5 * 6);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i);
  const std::vector<std::int64_t> labels{0, 1, 2, 1};
  std::vector<std::byte> scratch;
  for (const bool channels_last : {false, true}) {
    const auto dataset =
        array_dataset(pixels.data(), PixelType::u8, labels.data(), 4, 3, 5, 6, channels_last, 3, nullptr);
    CHECK(dataset->size() == 4);
    CHECK(dataset->num_classes() == 3);
    CHECK(dataset->class_names() == std::vector<std::string>{"0", "1", "2"});
    CHECK(dataset->image_size() == 0);
    for (std::int64_t i = 0; i < 4; ++i) {
      CHECK(dataset->label(i) == labels[static_cast<std::size_t>(i)]);
      const ImageView view = dataset->image(i, scratch);
      CHECK(view.data == pixels.data() + i * 90);
      const auto* image = static_cast<const std::uint8_t*>(view.data);
      for (std::int64_t c = 0; c < 3; ++c) {
        for (std::int64_t y = 0; y < 5; ++y) {
          for (std::int64_t x = 0; x < 6; ++x) {
            const std::int64_t position = channels_last ? (y * 6 + x) * 3 + c : (c * 5 + y) * 6 + x;
            const std::int64_t at = c * view.channel_stride + y * view.row_stride + x * view.column_stride;
            REQUIRE(image[at] == pixels[static_cast<std::size_t>(i * 90 + position)]);
          }
        }
      }
    }
    CHECK(scratch.empty());
  }
}

TEST_CASE("float arrays count as already normalised") {
  const std::vector<float> pixels(2 * 1 * 8 * 8);
  const std::vector<std::int64_t> labels{0, 0};
  const auto dataset =
      array_dataset(pixels.data(), PixelType::f32, labels.data(), 2, 1, 8, 8, false, 1, nullptr);
  std::vector<std::byte> scratch;
  CHECK(dataset->image_size() == 8);
  CHECK(dataset->image(1, scratch).data == pixels.data() + 64);
  CHECK(dataset->normalization().mean == Normalization{}.mean);
  CHECK(dataset->normalization().deviation == Normalization{}.deviation);
}

TEST_CASE("the owner of an array lives as long as the data set") {
  auto owner = std::make_shared<std::vector<std::uint8_t>>(3 * 4 * 4);
  const std::weak_ptr<std::vector<std::uint8_t>> watch = owner;
  const std::int64_t label = 0;
  const std::uint8_t* pixels = owner->data();
  auto dataset = array_dataset(pixels, PixelType::u8, &label, 1, 3, 4, 4, false, 1, std::move(owner));
  CHECK_FALSE(watch.expired());
  dataset.reset();
  CHECK(watch.expired());
}

TEST_CASE("arrays that can not be data sets are refused") {
  const std::vector<std::uint8_t> pixels(2 * 3 * 4 * 4);
  std::vector<std::int64_t> labels{0, 5};
  const auto make = [&](std::int64_t size, std::int64_t channels, std::int64_t side, std::int64_t classes) {
    array_dataset(pixels.data(), PixelType::u8, labels.data(), size, channels, side, side, false, classes,
                  nullptr);
  };
  require_error(ErrorCode::invalid_argument, {"label 5 of image 1", "0..4"}, [&] { make(2, 3, 4, 5); });
  labels[1] = -1;
  require_error(ErrorCode::invalid_argument, {"label -1 of image 1"}, [&] { make(2, 3, 4, 5); });
  require_error(ErrorCode::invalid_argument, {"2 channels"}, [&] { make(1, 2, 4, 5); });
  require_error(ErrorCode::invalid_argument, {"0 x 0"}, [&] { make(1, 3, 0, 5); });
  require_error(ErrorCode::invalid_argument, {"num_classes is 0"}, [&] { make(1, 3, 4, 0); });
  require_error(ErrorCode::invalid_argument, {"number of images is -1"}, [&] { make(-1, 3, 4, 5); });
  require_error(ErrorCode::invalid_argument, {"do not fit"}, [&] { make(std::int64_t{1} << 60, 3, 4, 5); });
  require_error(ErrorCode::invalid_argument, {"images is a null pointer"},
                [&] { array_dataset(nullptr, PixelType::u8, labels.data(), 1, 3, 4, 4, false, 1, nullptr); });
  require_error(ErrorCode::invalid_argument, {"labels is a null pointer"},
                [&] { array_dataset(pixels.data(), PixelType::u8, nullptr, 1, 3, 4, 4, false, 1, nullptr); });
}
