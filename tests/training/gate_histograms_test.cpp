#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/gate_histograms.hpp"

#include <cmath>
#include <numeric>

#include "base/require_error.hpp"
#include "model/small_model.hpp"

using namespace deepmoe;

namespace {

/// Gates of a batch of `images`: `values` in turn in every layer.
std::vector<at::Tensor> gates_of(const Architecture& architecture, std::int64_t images,
                                 const std::vector<float>& values) {
  const std::vector<Shape> shapes = infer_shapes(architecture);
  std::vector<at::Tensor> gates;
  for (const std::int32_t gate : architecture.gates()) {
    at::Tensor layer = at::empty({images, shapes[static_cast<std::size_t>(gate)].channels});
    for (std::int64_t i = 0; i < layer.numel(); ++i) {
      layer.mutable_data_ptr<float>()[i] = values[static_cast<std::size_t>(i) % values.size()];
    }
    gates.push_back(layer);
  }
  return gates;
}

}  // namespace

TEST_CASE("every gate is counted in the bucket that holds it") {
  const auto model = test::small_model();
  const Architecture& architecture = model->architecture();
  const std::vector<float> values = {0.0F, 0.0F, 1e-7F, 0.3F, 0.99F, 1.0F, 1.01F, 5.0F};
  GateHistograms histograms(architecture, at::kCPU);
  CHECK(histograms.read().empty());
  histograms.add(gates_of(architecture, 3, values));
  histograms.add(gates_of(architecture, 2, values));
  const std::vector<NamedHistogram> result = histograms.read();
  REQUIRE(result.size() == architecture.gates().size());
  const NamedHistogram& layer = result.front();
  CHECK(layer.name == "layer1.0.gate1");
  // 8 experts: each value once an image.
  const double images = 5;
  CHECK(std::accumulate(layer.counts.begin(), layer.counts.end(), 0.0) == 8 * images);
  CHECK(layer.counts.front() == 2 * images);
  CHECK(layer.counts.size() == layer.limits.size());
  CHECK(layer.minimum == 0.0);
  CHECK(layer.maximum == 5.0);
  double sum = 0, squares = 0;
  for (const double value : values) {
    sum += images * value;
    squares += images * value * value;
  }
  CHECK(layer.sum == doctest::Approx(sum));
  CHECK(layer.sum_of_squares == doctest::Approx(squares));
  for (const float value : {0.3F, 0.99F, 1.0F, 1.01F, 5.0F}) {
    CAPTURE(value);
    double expected = 0, counted = 0;
    for (std::size_t i = 1; i < layer.limits.size(); ++i) {
      CHECK(layer.limits[i] > layer.limits[i - 1]);
      if (!(layer.limits[i - 1] < value && value <= layer.limits[i])) continue;
      counted = layer.counts[i];
      CHECK(layer.limits[i] / layer.limits[i - 1] == doctest::Approx(std::pow(2.0, 0.25)));
      for (const float other : values) {
        if (layer.limits[i - 1] < other && other <= layer.limits[i]) expected += images;
      }
    }
    CHECK(counted == expected);
    CHECK(counted >= images);
  }
}

TEST_CASE("histograms go on from a checkpoint") {
  const auto model = test::small_model();
  const Architecture& architecture = model->architecture();
  GateHistograms first(architecture, at::kCPU), second(architecture, at::kCPU), whole(architecture, at::kCPU);
  for (GateHistograms* histograms : {&first, &whole}) histograms->add(gates_of(architecture, 3, {0.5F}));
  Checkpoint checkpoint;
  first.save(checkpoint);
  second.add(gates_of(architecture, 1, {9.0F}));
  second.load(checkpoint);
  for (GateHistograms* histograms : {&second, &whole})
    histograms->add(gates_of(architecture, 2, {0.0F, 2.0F}));
  const NamedHistogram expected = whole.read().back(), result = second.read().back();
  CHECK(result.counts == expected.counts);
  CHECK(result.maximum == expected.maximum);
  CHECK(result.sum == expected.sum);

  // A run that was begun without them.
  second.load(Checkpoint());
  CHECK(second.read().back().counts == expected.counts);
  checkpoint.set("gate_histograms", {{"empty", 0}});
  require_error(ErrorCode::format, {"counts"}, [&] { second.load(checkpoint); });
}

TEST_CASE("a dead layer and gates beyond every bucket have histograms that can be drawn") {
  const auto model = test::small_model();
  GateHistograms histograms(model->architecture(), at::kCPU);
  histograms.add(gates_of(model->architecture(), 2, {0.0F}));
  const NamedHistogram dead = histograms.read().front();
  CHECK(dead.counts == std::vector<double>{16.0});
  CHECK(dead.maximum > dead.minimum);
  CHECK(dead.limits.front() > 0.0);
  histograms.reset();
  CHECK(histograms.read().empty());
  histograms.add(gates_of(model->architecture(), 1, {1e6F}));
  const NamedHistogram large = histograms.read().front();
  CHECK(large.counts.back() == 8.0);
  CHECK(large.limits.back() > 1e6);
  CHECK(large.minimum == 1e6);
  CHECK(large.maximum == 1e6);
}
