#include "data/synthetic.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>

#include "base/require_error.hpp"
#include "data/shuffle.hpp"

using namespace deepmoe;

namespace {

std::string pixels_of(const Dataset& dataset, std::int64_t index) {
  std::vector<std::byte> scratch;
  dataset.image(index, scratch);
  return {reinterpret_cast<const char*>(scratch.data()), scratch.size()};
}

/// Softmax regression by stochastic gradient descent: what a linear classifier makes of the images.
class LinearClassifier {
 public:
  LinearClassifier(std::int64_t inputs, std::int64_t classes)
      : inputs_(static_cast<std::size_t>(inputs)),
        weights_(static_cast<std::size_t>(classes * (inputs + 1))) {}

  std::vector<float> scores(const std::vector<float>& input) const {
    std::vector<float> result;
    for (std::size_t start = 0; start < weights_.size(); start += inputs_ + 1) {
      const auto row = weights_.begin() + static_cast<std::ptrdiff_t>(start);
      result.push_back(
          std::inner_product(input.begin(), input.end(), row, row[static_cast<std::ptrdiff_t>(inputs_)]));
    }
    return result;
  }

  void learn(const std::vector<float>& input, std::size_t label, float rate) {
    std::vector<float> probabilities = scores(input);
    const float largest = *std::max_element(probabilities.begin(), probabilities.end());
    float sum = 0.0F;
    for (float& value : probabilities) sum += value = std::exp(value - largest);
    for (std::size_t c = 0; c < probabilities.size(); ++c) {
      const float step = rate * (probabilities[c] / sum - (c == label ? 1.0F : 0.0F));
      float* row = weights_.data() + c * (inputs_ + 1);
      for (std::size_t i = 0; i < inputs_; ++i) row[i] -= step * input[i];
      row[inputs_] -= step;
    }
  }

  /// The share of the images that get the highest score for their label.
  double accuracy(const std::vector<std::vector<float>>& images, const Dataset& dataset) const {
    std::int64_t right = 0;
    for (std::size_t i = 0; i < images.size(); ++i) {
      const std::vector<float> all = scores(images[i]);
      right += std::max_element(all.begin(), all.end()) - all.begin() ==
               dataset.label(static_cast<std::int64_t>(i));
    }
    return static_cast<double>(right) / static_cast<double>(images.size());
  }

 private:
  std::size_t inputs_;
  std::vector<float> weights_;
};

std::vector<std::vector<float>> normalised_images(const Dataset& dataset) {
  const Transform transform = evaluation_transform(dataset, dataset.image_size());
  std::vector<std::vector<float>> images;
  std::vector<std::byte> scratch;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    images.emplace_back(static_cast<std::size_t>(3 * dataset.image_size() * dataset.image_size()));
    apply_transform(transform, dataset.image(i, scratch), 0, images.back().data());
  }
  return images;
}

}  // namespace

TEST_CASE("synthetic images depend on seed split and index alone") {
  const auto first = synthetic_dataset(50, 10, 24, 3, true), again = synthetic_dataset(20, 10, 24, 3, true);
  const auto other_seed = synthetic_dataset(50, 10, 24, 4, true),
             test = synthetic_dataset(50, 10, 24, 3, false);
  std::set<std::string> all;
  for (std::int64_t i = 0; i < 20; ++i) {
    CHECK(pixels_of(*first, i) == pixels_of(*again, i));
    all.insert(pixels_of(*first, i));
    all.insert(pixels_of(*other_seed, i));
    all.insert(pixels_of(*test, i));
  }
  CHECK(all.size() == 60);
}

TEST_CASE("synthetic labels are balanced and every size comes out") {
  for (const std::int64_t classes : {1, 2, 7, 100, 1440}) {
    for (const std::int64_t side : {8, 32, 65}) {
      const auto dataset = synthetic_dataset(2 * classes, classes, side, 0, true);
      CHECK(dataset->num_classes() == classes);
      CHECK(static_cast<std::int64_t>(dataset->class_names().size()) == classes);
      CHECK(dataset->image_size() == side);
      std::vector<int> counts(static_cast<std::size_t>(classes));
      for (std::int64_t i = 0; i < dataset->size(); ++i)
        ++counts[static_cast<std::size_t>(dataset->label(i))];
      CHECK(std::all_of(counts.begin(), counts.end(), [](int count) { return count == 2; }));
      CHECK(pixels_of(*dataset, classes).size() == static_cast<std::size_t>(3 * side * side));
    }
  }
}

TEST_CASE("a linear classifier fails on the synthetic images") {
  const auto train = synthetic_dataset(2000, 10, 32, 0, true),
             test = synthetic_dataset(500, 10, 32, 0, false);
  const auto train_images = normalised_images(*train), test_images = normalised_images(*test);
  LinearClassifier classifier(3 * 32 * 32, 10);
  double best = 0.0;
  for (std::int64_t epoch = 0; epoch < 4; ++epoch) {
    for (const std::int64_t i : shuffled_order(train->size(), 1, epoch)) {
      classifier.learn(train_images[static_cast<std::size_t>(i)], static_cast<std::size_t>(train->label(i)),
                       2e-4F);
    }
    best = std::max(best, classifier.accuracy(test_images, *test));
  }
  CAPTURE(best);
  CHECK(best < 0.4);
  // The classifier itself works: it has learnt its training images better than chance.
  CHECK(classifier.accuracy(train_images, *train) > 0.15);
}

TEST_CASE("synthetic data sets that can not be are refused with what can") {
  require_error(ErrorCode::invalid_argument, {"num_classes is 1441", "1440"},
                [] { synthetic_dataset(10, 1441, 32, 0, true); });
  require_error(ErrorCode::invalid_argument, {"image_size is 4", "8"},
                [] { synthetic_dataset(10, 10, 4, 0, true); });
  require_error(ErrorCode::invalid_argument, {"0 images"}, [] { synthetic_dataset(0, 10, 32, 0, true); });
}
