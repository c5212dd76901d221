#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/classification.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;
using Labels = std::vector<std::int64_t>;

TEST_CASE("accuracy and confusion and the figures of each class follow from the predictions") {
  SampleRows logits(5, 4);
  logits << 9, 1, 0, 0,  //
      9, 1, 0, 0,        //
      0, 9, 1, 0,        //
      0, 5, 5, 0,        //
      0, 0, 9, 1;
  Classification figures(4, 2);
  figures.add(logits.topRows(2), Labels{0, 1});
  figures.add(logits.bottomRows(3), Labels{1, 2, 0});
  CHECK(figures.samples() == 5);
  CHECK(*figures.accuracy() == doctest::Approx(2.0 / 5));
  CHECK(*figures.top_accuracy() == doctest::Approx(4.0 / 5));
  Eigen::MatrixXd confusion(4, 4);
  confusion << 1, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0;  // A tie goes to the first class.
  CHECK(figures.confusion() == confusion);
  const std::vector<ClassFigures> classes = figures.classes();
  CHECK(*classes[0].precision == doctest::Approx(0.5));
  CHECK(*classes[1].recall == doctest::Approx(0.5));
  CHECK(*classes[1].f1 == doctest::Approx(0.5));
  CHECK(*classes[2].recall == 0);
  CHECK(classes[2].predicted == 1);
  CHECK(classes[3].samples == 0);
  CHECK_FALSE(classes[3].precision);
  CHECK_FALSE(classes[3].recall);
  CHECK_FALSE(classes[3].f1);
}

TEST_CASE("top-k counts the labels among the k best of a sort") {
  const SampleRows logits = SampleRows::Random(50, 7);
  Labels labels;
  for (Eigen::Index i = 0; i < 50; ++i) labels.push_back(i % 7);
  for (Eigen::Index top = 1; top <= 7; ++top) {
    Classification figures(7, top);
    figures.add(logits, labels);
    double within = 0;
    for (Eigen::Index i = 0; i < 50; ++i) {
      std::vector<float> sorted(logits.row(i).begin(), logits.row(i).end());
      std::sort(sorted.rbegin(), sorted.rend());
      if (logits(i, labels[static_cast<std::size_t>(i)]) >= sorted[static_cast<std::size_t>(top - 1)])
        ++within;
    }
    CHECK(*figures.top_accuracy() == doctest::Approx(within / 50));
  }
}

TEST_CASE("calibration error is the gap between confidence and accuracy in each bin") {
  // Confidences of 0.8 and 0.6 in two classes.
  SampleRows logits(4, 2);
  logits << std::log(4.0F), 0, std::log(4.0F), 0, 0, std::log(1.5F), 0, std::log(1.5F);
  Classification figures(2, 1, 4);
  figures.add(logits, Labels{0, 0, 0, 1});
  const std::vector<ReliabilityBin> bins = figures.reliability();
  REQUIRE(bins.size() == 4);
  CHECK(bins[0].samples == 0);
  CHECK_FALSE(bins[0].confidence);
  CHECK_FALSE(bins[0].accuracy);
  CHECK(bins[2].from == doctest::Approx(0.5));
  CHECK(*bins[2].confidence == doctest::Approx(0.6));
  CHECK(*bins[2].accuracy == doctest::Approx(0.5));
  CHECK(*bins[3].confidence == doctest::Approx(0.8));
  CHECK(*bins[3].accuracy == doctest::Approx(1));
  CHECK(*figures.expected_calibration_error() == doctest::Approx(0.5 * 0.1 + 0.5 * 0.2));
}

TEST_CASE("the figures of random predictions are those of plain loops") {
  constexpr Eigen::Index images = 200, classes = 5, bins = 10;
  const SampleRows logits = SampleRows::Random(images, classes) * 2;
  Labels labels;
  for (Eigen::Index i = 0; i < images; ++i) labels.push_back((i * i + i / 7) % classes);
  Classification figures(classes, 1, bins);
  figures.add(logits.topRows(90), std::span(labels).first(90));
  figures.add(logits.bottomRows(110), std::span(labels).last(110));

  Eigen::MatrixXd confusion = Eigen::MatrixXd::Zero(classes, classes);
  std::vector<double> samples(bins), confidences(bins), right(bins);
  for (Eigen::Index i = 0; i < images; ++i) {
    Eigen::Index predicted = 0;
    double exponentials = 0;
    for (Eigen::Index k = 0; k < classes; ++k) {
      if (logits(i, k) > logits(i, predicted)) predicted = k;
      exponentials += std::exp(static_cast<double>(logits(i, k)));
    }
    const double confidence = std::exp(static_cast<double>(logits(i, predicted))) / exponentials;
    const std::int64_t label = labels[static_cast<std::size_t>(i)];
    confusion(label, predicted) += 1;
    std::size_t bin = 0;
    while (confidence > static_cast<double>(bin + 1) / bins) ++bin;
    samples[bin] += 1;
    confidences[bin] += confidence;
    right[bin] += predicted == label ? 1 : 0;
  }
  CHECK(figures.confusion() == confusion);
  CHECK(*figures.accuracy() == doctest::Approx(confusion.trace() / images));
  CHECK(*figures.top_accuracy() == *figures.accuracy());
  double error = 0;
  const std::vector<ReliabilityBin> found = figures.reliability();
  for (std::size_t bin = 0; bin < bins; ++bin) {
    CHECK(static_cast<double>(found[bin].samples) == samples[bin]);
    if (samples[bin] == 0) continue;
    CHECK(*found[bin].confidence == doctest::Approx(confidences[bin] / samples[bin]));
    CHECK(*found[bin].accuracy == doctest::Approx(right[bin] / samples[bin]));
    error += samples[bin] / images * std::abs(right[bin] - confidences[bin]) / samples[bin];
  }
  CHECK(*figures.expected_calibration_error() == doctest::Approx(error));
  for (Eigen::Index k = 0; k < classes; ++k) {
    const ClassFigures one = figures.classes()[static_cast<std::size_t>(k)];
    const double precision = confusion(k, k) / confusion.col(k).sum(),
                 recall = confusion(k, k) / confusion.row(k).sum();
    REQUIRE(one.recall);
    REQUIRE(one.precision);
    CHECK(*one.precision == doctest::Approx(precision));
    CHECK(*one.recall == doctest::Approx(recall));
    CHECK(*one.f1 == doctest::Approx(2 * precision * recall / (precision + recall)));
  }
}

TEST_CASE("certain and right predictions are calibrated") {
  Classification figures(3, 1);
  figures.add(SampleRows::Identity(3, 3) * 1000, Labels{0, 1, 2});
  CHECK(*figures.expected_calibration_error() == doctest::Approx(0));
  CHECK(figures.reliability().back().samples == 3);
}

TEST_CASE("without images no rate is defined and one class is always right") {
  const Classification none(3, 1);
  CHECK_FALSE(none.accuracy());
  CHECK_FALSE(none.top_accuracy());
  CHECK_FALSE(none.expected_calibration_error());
  Classification one(1, 1);
  one.add(SampleRows::Zero(2, 1), Labels{0, 0});
  CHECK(*one.accuracy() == 1);
}

TEST_CASE("predictions that do not fit are refused") {
  Classification figures(2, 1);
  require_error(ErrorCode::invalid_argument, {"3 classes"},
                [&] { figures.add(SampleRows::Zero(1, 3), Labels{0}); });
  require_error(ErrorCode::invalid_argument, {"label 2", "0..1"},
                [&] { figures.add(SampleRows::Zero(1, 2), Labels{2}); });
  require_error(ErrorCode::numeric, {"NaN"}, [&] {
    figures.add(SampleRows::Constant(1, 2, std::numeric_limits<float>::quiet_NaN()), Labels{0});
  });
  require_error(ErrorCode::invalid_argument, {"top is 3"}, [] { Classification(2, 3); });
  require_error(ErrorCode::invalid_argument, {"0 classes"}, [] { Classification(0, 1); });
}
