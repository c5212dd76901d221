#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/batch_mixing.hpp"

#include <cmath>

#include "model/small_model.hpp"

using namespace deepmoe;

namespace {

BatchMixing mixing(const std::string& mixup, const std::string& cutmix, const std::string& seed = "0") {
  return {test::small_options({{"mixup", mixup}, {"cutmix", cutmix}, {"seed", seed}}), 4};
}

/// Four images of one value each: 0, 1, 2, 3.
at::Tensor plain_images(std::int64_t size = 8) {
  return at::arange(4, at::kFloat).view({4, 1, 1, 1}).expand({4, 3, size, size}).clone();
}

const at::Tensor& four_labels() {
  static const at::Tensor labels = at::arange(4, at::kLong);
  return labels;
}

}  // namespace

TEST_CASE("batches are mixed only on request and only with another image") {
  const at::Tensor images = plain_images();
  const MixedBatch plain = mixing("0", "0").mix(images, four_labels(), 3);
  CHECK(plain.images.is_same(images));
  CHECK(plain.targets.is_same(four_labels()));
  const at::Tensor single = images.narrow(0, 1, 1);
  CHECK(mixing("1", "1").mix(single, four_labels().narrow(0, 1, 1), 3).images.is_same(single));
}

TEST_CASE("mixup blends images and labels in the same proportion") {
  const BatchMixing subject = mixing("0.8", "0");
  const at::Tensor images = plain_images(), values = at::arange(4, at::kFloat);
  for (std::int64_t step = 0; step < 20; ++step) {
    const Mixture mixture = subject.draw(step, 4, 8, 8);
    REQUIRE(mixture.kind == Mixture::Kind::blend);
    const MixedBatch mixed = subject.mix(images, four_labels(), step);
    CHECK(at::allclose(mixed.targets.sum(1), at::ones({4})));
    // With the class as each image's value, the mean of the targets is the value of every pixel.
    const at::Tensor expected = mixed.targets.matmul(values);
    CHECK(at::allclose(mixed.images, expected.view({4, 1, 1, 1}).expand_as(mixed.images), 1e-5, 1e-5));
    for (std::int64_t i = 0; i < 4; ++i) {
      const std::int64_t partner = (i - mixture.offset + 4) % 4;
      CHECK(partner != i);
      CHECK(mixed.targets[i][i].item<double>() == doctest::Approx(mixture.share));
      CHECK(mixed.targets[i][partner].item<double>() == doctest::Approx(1.0 - mixture.share));
    }
    CHECK(mixed.labels.equal(mixed.targets.argmax(1)));
  }
  CHECK(images.equal(plain_images()));
}

TEST_CASE("cutmix pastes a rectangle whose area is its share of the label") {
  const BatchMixing subject = mixing("0", "1");
  const at::Tensor images = plain_images(16);
  double smallest = 1.0, largest = 0.0;
  for (std::int64_t step = 0; step < 50; ++step) {
    const Mixture mixture = subject.draw(step, 4, 16, 16);
    REQUIRE(mixture.kind == Mixture::Kind::paste);
    const MixedBatch mixed = subject.mix(images, four_labels(), step);
    for (std::int64_t i = 0; i < 4; ++i) {
      const std::int64_t partner = (i - mixture.offset + 4) % 4;
      const double own = mixed.images[i].eq(static_cast<double>(i)).to(at::kDouble).mean().item<double>();
      const double other =
          mixed.images[i].eq(static_cast<double>(partner)).to(at::kDouble).mean().item<double>();
      CHECK(own + other == doctest::Approx(1.0));
      CHECK(mixed.targets[i][i].item<double>() == doctest::Approx(own));
      smallest = std::min(smallest, own);
      largest = std::max(largest, own);
    }
    const at::Tensor pasted = mixed.images[0][0].ne(0.0);
    CHECK(pasted.sum().item<std::int64_t>() == mixture.height * mixture.width);
    CHECK(pasted.narrow(0, mixture.top, mixture.height)
              .narrow(1, mixture.left, mixture.width)
              .all()
              .item<bool>());
  }
  CHECK(smallest < 0.4);
  CHECK(largest > 0.9);
  CHECK(images.equal(plain_images(16)));
}

TEST_CASE("with both on about half of the batches have each") {
  const BatchMixing subject = mixing("0.2", "1");
  int pasted = 0;
  for (std::int64_t step = 0; step < 1000; ++step) {
    const Mixture mixture = subject.draw(step, 64, 32, 32);
    REQUIRE(mixture.kind != Mixture::Kind::none);
    pasted += mixture.kind == Mixture::Kind::paste ? 1 : 0;
  }
  CHECK(pasted > 430);
  CHECK(pasted < 570);
}

TEST_CASE("what is drawn has the beta distribution of the option") {
  // Beta(a, a) has the mean 1/2 and the variance 1 / (4 (2 a + 1)).
  for (const double parameter : {0.2, 1.0, 5.0}) {
    const BatchMixing subject = mixing(std::to_string(parameter), "0");
    double sum = 0.0, squares = 0.0;
    constexpr int count = 4000;
    for (std::int64_t step = 0; step < count; ++step) {
      const double away = subject.draw(step, 8, 8, 8).share - 0.5;
      sum += away;
      squares += away * away;
    }
    CAPTURE(parameter);
    CHECK(std::abs(sum / count) < 0.03);
    CHECK(squares / count == doctest::Approx(1.0 / (4.0 * (2.0 * parameter + 1.0))).epsilon(0.1));
  }
}

TEST_CASE("a mixture depends on seed and step alone") {
  const at::Tensor images = test::random_images(6);
  const at::Tensor labels = at::tensor({0, 1, 2, 3, 0, 1}, at::kLong);
  const auto mixed = [&](const std::string& seed, std::int64_t step) {
    return mixing("0.5", "0.5", seed).mix(images, labels, step);
  };
  CHECK(mixed("1", 7).images.equal(mixed("1", 7).images));
  CHECK(mixed("1", 7).targets.equal(mixed("1", 7).targets));
  CHECK_FALSE(mixed("1", 7).images.equal(mixed("1", 8).images));
  CHECK_FALSE(mixed("1", 7).images.equal(mixed("2", 7).images));
}

TEST_CASE("a vanishing parameter leaves whole images") {
  const BatchMixing subject = mixing("1e-300", "0");
  for (std::int64_t step = 0; step < 20; ++step) {
    const double share = subject.draw(step, 4, 8, 8).share;
    CHECK((share == 0.0 || share == 1.0));
  }
}
