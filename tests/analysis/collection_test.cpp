#include "analysis/collection.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "analysis/class_figures.hpp"
#include "analysis/random_gates.hpp"
#include "architecture/build.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;
using Labels = std::vector<std::int64_t>;

namespace {

/// Weights of 0.1 -0.1 0.2 -0.2 and so on, and variances of 1.
std::vector<float> weights_of(const Architecture& network, const std::string& name) {
  for (const ParameterSpecification& parameter : parameter_specifications(network)) {
    if (parameter.name != name) continue;
    std::int64_t count = 1;
    for (const std::int64_t side : parameter.shape) count *= side;
    std::vector<float> values;
    for (std::int64_t i = 0; i < count; ++i) {
      const float size = 0.1F * static_cast<float>(1 + i % 7 / 2);
      values.push_back(name.ends_with("running_var") ? 1.0F : i % 2 == 0 ? size : -size);
    }
    return values;
  }
  return {};
}

Engine engine_of(const Architecture& network) {
  return Engine(network, [&](const std::string& name) { return weights_of(network, name); }, {});
}

constexpr std::int64_t elements = 3 * 8 * 8;

/// Images of 8 x 8 whose channels have random means, three at a time.
class Images {
 public:
  explicit Images(std::int64_t count) {
    const GateRows noise = GateRows::Random(count, 3);
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t k = 0; k < elements; ++k) {
        pixels_.push_back(noise(i, k / 64) + 0.1F * static_cast<float>(k % 3));
      }
      labels_.push_back(i % 2);
    }
  }
  ImageSource source() const {
    return [this, at = std::size_t(0)](LabelledImages& batch) mutable {
      if (at == labels_.size()) return false;
      const std::size_t count = std::min<std::size_t>(3, labels_.size() - at);
      batch = {pixels_.data() + at * elements, std::span(labels_).subspan(at, count)};
      at += count;
      return true;
    };
  }
  const float* pixels() const { return pixels_.data(); }

 private:
  std::vector<float> pixels_;
  Labels labels_;
};

}  // namespace

TEST_CASE("a collection counts for each layer and class and image") {
  const Architecture network = small_network();
  CollectionSettings settings;
  settings.threshold = 0.5;
  Collection collection(network, 8, settings);
  SampleRows gates(3, 4);
  gates << 1, 0.5, 0, 2,  //
      0, 0.6F, 0, 0,      //
      3, 0, 0, 1;
  SampleRows logits(3, 2);
  logits << 1, 0, 0, 1, 1, 0;
  const SampleRows embeddings = SampleRows::Random(3, 5);
  collection.add(gates.topRows(2), embeddings.topRows(2), logits.topRows(2), Labels{0, 1});
  collection.add(gates.bottomRows(1), embeddings.bottomRows(1), logits.bottomRows(1), Labels{1});

  CHECK(collection.samples() == 3);
  CHECK(collection.experts() == 4);
  CHECK(collection.class_samples() == Eigen::Vector2d(1, 2));
  REQUIRE(collection.layers().size() == 1);
  const LayerCounts& layer = collection.layers()[0];
  CHECK(layer.name == "gate");
  CHECK(layer.uses() == Eigen::Vector4d(2, 1, 0, 2));
  CHECK(layer.class_uses.row(1).transpose() == Eigen::Vector4d(1, 1, 0, 1));
  CHECK(layer.gate_sums.isApprox(Eigen::Vector4d(4, 1.1, 0, 3), 1e-6));
  CHECK(layer.pairs.counts()(0, 3) == 2);
  CHECK(layer.pairs.counts()(0, 1) == 0);
  CHECK(*collection.classification().accuracy() == doctest::Approx(2.0 / 3));
  CHECK(collection.embeddings().vectors().isApprox(embeddings));

  const Cost expected = cost(network, 8);
  double macs = 0;
  for (const double density : {0.5, 0.25, 0.5}) macs += active_macs(network, expected, {density}) / 3;
  CHECK(*collection.active_macs().mean() == doctest::Approx(macs));
  CHECK(collection.dense_macs() == static_cast<double>(expected.dense_macs));
}

TEST_CASE("the counts of random gates are those of plain loops") {
  const Architecture network = small_network();
  CollectionSettings settings;
  settings.threshold = 0.4;
  Collection collection(network, 8, settings);
  constexpr Eigen::Index images = 57;
  const SampleRows gates = SampleRows::Random(images, 4).cwiseMax(0.0F),
                   embeddings = SampleRows::Random(images, 5);
  const SampleRows logits = SampleRows::Random(images, 2);
  Labels labels;
  for (Eigen::Index i = 0; i < images; ++i) labels.push_back(i * i % 3 % 2);
  for (Eigen::Index first = 0; first < images; first += 19) {
    collection.add(gates.middleRows(first, 19), embeddings.middleRows(first, 19),
                   logits.middleRows(first, 19),
                   std::span(labels).subspan(static_cast<std::size_t>(first), 19));
  }
  Eigen::MatrixXd class_uses = Eigen::MatrixXd::Zero(2, 4), pairs = Eigen::MatrixXd::Zero(4, 4);
  Eigen::VectorXd sums = Eigen::VectorXd::Zero(4);
  double macs = 0;
  for (Eigen::Index i = 0; i < images; ++i) {
    double active = 0;
    for (Eigen::Index one = 0; one < 4; ++one) {
      sums[one] += static_cast<double>(gates(i, one));
      if (!(gates(i, one) > 0.4F)) continue;
      ++active;
      class_uses(labels[static_cast<std::size_t>(i)], one) += 1;
      for (Eigen::Index other = 0; other < 4; ++other) pairs(one, other) += gates(i, other) > 0.4F ? 1 : 0;
    }
    macs += active_macs(network, cost(network, 8), {active / 4});
  }
  const LayerCounts& layer = collection.layers()[0];
  CHECK(layer.class_uses == class_uses);
  CHECK(layer.pairs.counts() == pairs);
  CHECK(layer.gate_sums.isApprox(sums, 1e-12));
  CHECK(*collection.active_macs().mean() == doctest::Approx(macs / images));
  const Eigen::VectorXd of_class = collection.class_samples();
  const Eigen::MatrixXd activation = class_activation(layer.class_uses, of_class);
  for (Eigen::Index i = 0; i < 8; ++i) {
    CHECK(activation(i / 4, i % 4) == doctest::Approx(class_uses(i / 4, i % 4) / of_class[i / 4]));
  }
}

TEST_CASE("a pass through the engine is the same in any batches") {
  const Architecture network = small_network();
  const Engine engine = engine_of(network);
  const Images images(20);
  const Collection collection = collect(engine, images.source(), {});
  CHECK(collection.samples() == 20);

  GateRows gates(20, 4), logits(20, 2);
  EngineRun run;
  run.images = images.pixels();
  run.batch_size = 20;
  run.gates = gates.data();
  run.logits = logits.data();
  engine.run(run);
  const Eigen::VectorXd uses = (gates.array() > 0).cast<double>().colwise().sum().matrix().transpose();
  CHECK(collection.layers()[0].uses() == uses);
  CHECK(*collection.active_macs().mean() * 20 == doctest::Approx(static_cast<double>(run.active_macs)));
  double right = 0;
  for (Eigen::Index i = 0; i < 20; ++i) right += (logits(i, 1) > logits(i, 0)) == (i % 2 == 1) ? 1 : 0;
  CHECK(*collection.classification().accuracy() == doctest::Approx(right / 20));
}

TEST_CASE("a threshold of zero changes nothing and a large one switches every expert off") {
  const Engine engine = engine_of(small_network());
  const Images images(10);
  const Collection collection = collect(engine, images.source(), {});
  const std::vector<ThresholdPoint> points = threshold_curve(engine, images.source(), {0, 1e6});
  REQUIRE(points.size() == 2);
  CHECK(points[0].samples == 10);
  CHECK(points[0].accuracy == doctest::Approx(*collection.classification().accuracy()));
  CHECK(points[0].active_macs == doctest::Approx(*collection.active_macs().mean()));
  CHECK(points[0].density == doctest::Approx(collection.layers()[0].uses().sum() / 40));
  CHECK(points[1].density == 0);
  CHECK(points[1].active_macs < points[0].active_macs);
}

TEST_CASE("a threshold's point is what images make of the gates above it one by one") {
  const Engine engine = engine_of(small_network());
  const Images images(12);
  std::vector<float> all(12 * 4);
  EngineRun first;
  first.images = images.pixels();
  first.batch_size = 12;
  first.gates = all.data();
  engine.run(first);
  std::vector<float> positive;
  for (const float gate : all) {
    if (gate > 0) positive.push_back(gate);
  }
  REQUIRE(positive.size() > 4);
  std::sort(positive.begin(), positive.end());
  const float threshold = positive[positive.size() / 2];

  double right = 0, active = 0, macs = 0;
  for (std::size_t i = 0; i < 12; ++i) {
    std::vector<float> given(all.begin() + static_cast<std::ptrdiff_t>(4 * i),
                             all.begin() + static_cast<std::ptrdiff_t>(4 * i + 4));
    for (float& gate : given) {
      if (gate <= threshold) gate = 0;
      active += gate > 0 ? 1 : 0;
    }
    float logits[2];
    EngineRun run;
    run.images = images.pixels() + i * elements;
    run.batch_size = 1;
    run.given_gates = given.data();
    run.logits = logits;
    engine.run(run);
    right += (logits[1] > logits[0]) == (i % 2 == 1) ? 1 : 0;
    macs += static_cast<double>(run.active_macs);
  }
  const ThresholdPoint point = threshold_curve(engine, images.source(), {static_cast<double>(threshold)})[0];
  CHECK(point.accuracy == doctest::Approx(right / 12));
  CHECK(point.density == doctest::Approx(active / 48));
  CHECK(point.active_macs == doctest::Approx(macs / 12));
  CHECK(point.density > 0);
}

TEST_CASE("an empty data set and a dense network and bad settings are refused in words") {
  const Architecture network = small_network();
  const Engine engine = engine_of(network);
  const ImageSource none = [](LabelledImages&) { return false; };
  require_error(ErrorCode::invalid_argument, {"no images"}, [&] { collect(engine, none, {}); });
  require_error(ErrorCode::invalid_argument, {"no images"}, [&] { threshold_curve(engine, none, {0.1}); });
  require_error(ErrorCode::invalid_argument, {"threshold", "-1"},
                [&] { threshold_curve(engine, none, {-1}); });
  require_error(ErrorCode::invalid_argument, {"resnet18", "dense"},
                [] { Collection(build({{"model", "resnet18"}}), 32, {}); });
  CollectionSettings settings;
  settings.top = 0;
  require_error(ErrorCode::invalid_argument, {"top is 0"}, [&] { Collection(network, 8, settings); });
}

TEST_CASE("gates that are NaN name their layer and count for nothing") {
  Collection collection(small_network(), 8, {});
  const float bad = std::numeric_limits<float>::quiet_NaN();
  const SampleRows logits = SampleRows::Zero(1, 2), embedding = SampleRows::Zero(1, 5);
  require_error(ErrorCode::numeric, {"gate of gate", "NaN"},
                [&] { collection.add(SampleRows::Constant(1, 4, bad), embedding, logits, Labels{0}); });
  require_error(ErrorCode::numeric, {"embedding"},
                [&] { collection.add(SampleRows::Zero(1, 4), embedding * bad, logits, Labels{0}); });
  require_error(ErrorCode::invalid_argument, {"3 experts", "4"},
                [&] { collection.add(SampleRows::Zero(1, 3), embedding, logits, Labels{0}); });
  require_error(ErrorCode::invalid_argument, {"label 2"},
                [&] { collection.add(SampleRows::Zero(1, 4), embedding, logits, Labels{2}); });
  CHECK(collection.samples() == 0);
  CHECK(collection.layers()[0].uses().sum() == 0);
}
