#include <doctest/doctest.h>

#include "base/require_error.hpp"
#include "data/data.hpp"

using namespace deepmoe;

namespace {

std::shared_ptr<const Dataset> synthetic() {
  Options options;
  options.set("dataset", "synthetic");
  options.set("num_classes", "5");
  options.set("image_size", "16");
  options.set("synthetic_test_size", "30");
  return open_dataset(options, "test");
}

}  // namespace

TEST_CASE("the images of some classes keep their labels and pixels and order") {
  const auto whole = synthetic();
  const auto some = select_classes(whole, {4, 1});
  std::int64_t next = 0;
  std::vector<std::byte> scratch, other;
  for (std::int64_t i = 0; i < whole->size(); ++i) {
    if (whole->label(i) != 1 && whole->label(i) != 4) continue;
    REQUIRE(next < some->size());
    CHECK(some->label(next) == whole->label(i));
    const ImageView expected = whole->image(i, scratch), got = some->image(next, other);
    CHECK(static_cast<const unsigned char*>(got.data)[7] ==
          static_cast<const unsigned char*>(expected.data)[7]);
    ++next;
  }
  CHECK(some->size() == next);
  CHECK(some->num_classes() == 5);
  CHECK(some->class_names() == whole->class_names());
  CHECK(some->image_size() == 16);
  CHECK(some->description() == whole->description() + ", classes 4, 1");
}

TEST_CASE("classes may have no images but must exist") {
  const std::vector<float> pixels(3 * 4);
  const std::int64_t label = 0;
  const auto one = array_dataset(pixels.data(), PixelType::f32, &label, 1, 3, 2, 2, false, 3, nullptr);
  CHECK(select_classes(one, {2})->size() == 0);
  require_error(ErrorCode::invalid_argument, {"no class 3", "0 to 2"}, [&] { select_classes(one, {3}); });
  require_error(ErrorCode::invalid_argument, {"no class -1"}, [&] { select_classes(one, {-1}); });
}

TEST_CASE("the first images are those that the data set begins with") {
  const auto whole = synthetic();
  const auto first = first_images(whole, 7);
  CHECK(first->size() == 7);
  std::vector<std::byte> scratch, other;
  for (std::int64_t i = 0; i < 7; ++i) {
    CHECK(first->label(i) == whole->label(i));
    CHECK(static_cast<const unsigned char*>(first->image(i, other).data)[7] ==
          static_cast<const unsigned char*>(whole->image(i, scratch).data)[7]);
  }
  CHECK(first->num_classes() == 5);
  CHECK(first->description() == whole->description() + ", first 7 images");
  CHECK(first_images(whole, 100)->size() == 30);
  CHECK(first_images(whole, 0)->size() == 0);
  require_error(ErrorCode::invalid_argument, {"-1"}, [&] { first_images(whole, -1); });
}

TEST_CASE("held-out images and the others are all images and each class gives its share") {
  // Ten images of each of five classes, in their order.
  const std::vector<float> pixels(50 * 3);
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < 50; ++i) labels.push_back(i / 10);
  const auto whole =
      array_dataset(pixels.data(), PixelType::f32, labels.data(), 50, 3, 1, 1, false, 5, nullptr);
  for (const double share : {0.0, 0.1, 0.3, 0.5}) {
    CAPTURE(share);
    const auto held_out = spread_share(whole, share), rest = without_spread_share(whole, share);
    CHECK(held_out->size() == static_cast<std::int64_t>(50 * share));
    CHECK(held_out->size() + rest->size() == 50);
    std::vector<int> count(5, 0);
    for (std::int64_t i = 0; i < held_out->size(); ++i) ++count[static_cast<std::size_t>(held_out->label(i))];
    CHECK(count == std::vector<int>(5, static_cast<int>(10 * share)));
  }
  CHECK(spread_images(whole, 15)->size() == 15);
  CHECK(spread_images(whole, 15)->label(14) == 4);
  CHECK(spread_images(whole, 15)->label(5) == 1);
  CHECK(spread_images(whole, 60)->size() == 50);
}
