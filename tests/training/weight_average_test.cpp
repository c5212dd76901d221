#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/weight_average.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>

#include "base/require_error.hpp"
#include "model/small_model.hpp"
#include "model/tensor_bridge.hpp"

using namespace deepmoe;
using test::entry_of;

namespace {

void fill(const std::shared_ptr<Model>& model, double value) {
  const c10::NoGradGuard no_gradient;
  for (const char* name : {"fc.weight", "bn1.running_mean"}) entry_of(*model, name).fill_(value);
}

at::Tensor part_of(const std::vector<SharedTensor>& state, const std::string& name) {
  for (const SharedTensor& tensor : state) {
    if (tensor.name == name) return to_torch(tensor);
  }
  return {};
}

}  // namespace

TEST_CASE("the average follows weights and statistics with its decay") {
  for (const double decay : {0.15, 0.999}) {
    const auto model = test::small_model();
    fill(model, 1.0);
    WeightAverage average(model->network(), decay);
    double expected = 1.0;
    for (int update = 1; update <= 30; ++update) {
      fill(model, static_cast<double>(update));
      average.update();
      const double kept = std::min(decay, (1.0 + update) / (10.0 + update));
      expected = kept * expected + (1.0 - kept) * update;
    }
    CAPTURE(decay);
    const std::vector<SharedTensor> state = average.state();
    for (const char* name : {"fc.weight", "bn1.running_mean"}) {
      CHECK(part_of(state, name).sub(expected).abs().max().item<double>() < 1e-4);
    }
    CHECK(part_of(state, "updates").item<std::int64_t>() == 30);
    CHECK_FALSE(part_of(state, "bn1.num_batches_tracked").defined());
    // The network itself is as it was left.
    CHECK(entry_of(*model, "fc.weight").eq(30.0).all().item<bool>());
  }
}

TEST_CASE("the network has the average for a while or for good") {
  const auto model = test::small_model();
  const at::Tensor weight = entry_of(*model, "fc.weight");
  fill(model, 1.0);
  WeightAverage average(model->network(), 0.5);
  fill(model, 3.0);
  average.update();
  const at::Tensor averaged = part_of(average.state(), "fc.weight").clone();
  CHECK_FALSE(averaged.equal(weight));
  {
    const WeightAverage::InUse in_use(average);
    CHECK(weight.equal(averaged));
    CHECK(weight.requires_grad());
    CHECK(weight.is_leaf());
  }
  CHECK(weight.eq(3.0).all().item<bool>());
  CHECK(part_of(average.state(), "fc.weight").equal(averaged));
  average.finish();
  CHECK(weight.equal(averaged));
}

TEST_CASE("what uses the average for a while leaves it in use where it was") {
  const auto model = test::small_model();
  const at::Tensor weight = entry_of(*model, "fc.weight");
  fill(model, 1.0);
  WeightAverage average(model->network(), 0.5);
  fill(model, 3.0);
  average.use(true);
  average.use(true);
  CHECK(average.in_use());
  CHECK(weight.eq(1.0).all().item<bool>());
  {
    const WeightAverage::InUse in_use(average);
  }
  CHECK(weight.eq(1.0).all().item<bool>());
  average.use(false);
  CHECK_FALSE(average.in_use());
  CHECK(weight.eq(3.0).all().item<bool>());
}

TEST_CASE("without a decay there is no average") {
  const auto model = test::small_model();
  WeightAverage average(model->network(), 0.0);
  fill(model, 2.0);
  average.update();
  const WeightAverage::InUse in_use(average);
  average.finish();
  CHECK_FALSE(average.exists());
  CHECK(average.state().empty());
  CHECK(entry_of(*model, "fc.weight").eq(2.0).all().item<bool>());
}

TEST_CASE("an average goes on from its state bit for bit") {
  const auto model = test::small_model();
  WeightAverage first(model->network(), 0.99), second(model->network(), 0.99);
  for (const double value : {1.0, 2.5}) {
    fill(model, value);
    first.update();
  }
  second.load_state(first.state());
  fill(model, 7.0);
  first.update();
  second.update();
  for (const SharedTensor& tensor : first.state()) {
    CAPTURE(tensor.name);
    CHECK(part_of(second.state(), tensor.name).equal(to_torch(tensor)));
  }
}

TEST_CASE("a state that does not fit is refused as a whole") {
  const auto model = test::small_model();
  WeightAverage average(model->network(), 0.99);
  const std::vector<SharedTensor> own = average.state();
  const at::Tensor before = part_of(own, own.front().name).clone();
  const auto refused = [&](const std::vector<std::string>& parts, auto change) {
    std::vector<SharedTensor> state;
    for (const SharedTensor& tensor : own)
      state.push_back(to_shared(tensor.name, to_torch(tensor).clone().fill_(5)));
    change(state);
    require_error(ErrorCode::format, parts, [&] { average.load_state(state); });
    CHECK(part_of(average.state(), own.front().name).equal(before));
  };
  refused({"lacks 'updates'"}, [](auto& state) { state.pop_back(); });
  refused({"'else'", "unknown"}, [](auto& state) { state.push_back(to_shared("else", at::ones({1}))); });
  refused({"'updates'", "twice"}, [](auto& state) { state.push_back(state.back()); });
  refused({"'updates'", "2"},
          [](auto& state) { state.back() = to_shared("updates", at::ones({2}, at::kLong)); });
  refused({"'updates'", "Float"}, [](auto& state) { state.back() = to_shared("updates", at::ones({1})); });
}
