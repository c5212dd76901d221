#include "compaction/compaction.hpp"

#include <cmath>
#include <map>
#include <memory>

#include "architecture/build.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;

namespace {

/// A state in which element i of every tensor is 1 + i / 100, and variances are 4.
std::vector<SharedTensor> state_of(const Architecture& architecture) {
  std::vector<SharedTensor> state;
  for (const ParameterSpecification& specification : parameter_specifications(architecture)) {
    if (specification.is_integer) continue;
    SharedTensor tensor;
    tensor.name = specification.name;
    tensor.shape = specification.shape;
    const auto values = std::make_shared<std::vector<float>>();
    for (std::int64_t i = 0; i < tensor.elements(); ++i) {
      values->push_back(specification.name.ends_with("running_var") ? 4.0F
                                                                    : 1.0F + 0.01F * static_cast<float>(i));
    }
    tensor.data = values->data();
    tensor.owner = values;
    state.push_back(std::move(tensor));
  }
  return state;
}

const SharedTensor& named(const std::vector<SharedTensor>& state, const std::string& name) {
  for (const SharedTensor& tensor : state) {
    if (tensor.name == name) return tensor;
  }
  FAIL("there is no tensor " << name);
  return state.front();
}

float at(const SharedTensor& tensor, std::int64_t index) {
  return static_cast<const float*>(tensor.data)[index];
}

}  // namespace

TEST_CASE("constants of removed experts go into the bias of the classifier") {
  const Architecture network = small_network();
  const std::vector<SharedTensor> state = state_of(network);
  const CompactedNetwork small = compact(network, state, {{false, true, false, true}});
  CHECK(small.architecture.model == "small_compacted");
  REQUIRE(small.gates.size() == 1);
  CHECK(small.gates[0].experts == 4);
  CHECK(small.gates[0].inactive == 2);
  CHECK(small.gates[0].kept == 2);
  CHECK_FALSE(small.gates[0].silent);
  CHECK(small.gates[0].reason.empty());

  CHECK(named(small.state, "conv.weight").shape == std::vector<std::int64_t>{2, 3, 3, 3});
  CHECK(at(named(small.state, "conv.weight"), 27) == at(named(state, "conv.weight"), 54));
  CHECK(named(small.state, "gate.fc.weight").shape == std::vector<std::int64_t>{2, 5});
  CHECK(at(named(small.state, "gate.fc.weight"), 5) == at(named(state, "gate.fc.weight"), 10));
  CHECK(named(small.state, "fc.weight").shape == std::vector<std::int64_t>{2, 2});
  // The constant of channel c is max(0, bias - weight * mean / sqrt(4 + epsilon)).
  for (const std::int64_t output : {0, 1}) {
    double expected = 1.0 + 0.01 * static_cast<double>(output);
    for (const std::int64_t channel : {1, 3}) {
      const double value = 1.0 + 0.01 * static_cast<double>(channel);
      const double constant = std::max(0.0, value - value * value / std::sqrt(4 + 1e-5));
      expected += constant * (1.0 + 0.01 * static_cast<double>(4 * output + channel));
    }
    CHECK(at(named(small.state, "fc.bias"), output) == doctest::Approx(expected));
  }
  // What needs no change is shared, and nothing is written to.
  CHECK(named(small.state, "embedding.linear.weight").data == named(state, "embedding.linear.weight").data);
  CHECK(at(named(state, "fc.bias"), 0) == 1.0F);
}

TEST_CASE("compaction without inactive experts changes nothing") {
  const Architecture network = small_network();
  const CompactedNetwork same = compact(network, state_of(network), {std::vector<bool>(4, false)});
  CHECK(same.architecture.model == "small");
  CHECK(same.gates[0].kept == 4);
  CHECK(named(same.state, "conv.weight").shape[0] == 4);
}

TEST_CASE("a layer without active experts keeps a silent one when compacted") {
  const Architecture network = small_network();
  const CompactedNetwork small = compact(network, state_of(network), {std::vector<bool>(4, true)});
  CHECK(small.gates[0].kept == 1);
  CHECK(small.gates[0].silent);
  for (std::int64_t i = 0; i < 5; ++i) CHECK(at(named(small.state, "gate.fc.weight"), i) == 0.0F);
  CHECK(at(named(small.state, "norm.weight"), 0) == 0.0F);
  CHECK(at(named(small.state, "norm.bias"), 0) == 1.0F);
  CHECK(at(named(small.state, "norm.running_mean"), 0) == 0.0F);
  CHECK(at(named(small.state, "norm.running_var"), 0) == 1.0F);
}

TEST_CASE("a single inactive expert stays when compacted where a silent one would replace it") {
  Architecture network = small_network();
  network.nodes[8] = {"next", Convolution{.channels = 4, .kernel = 3, .padding = 1}, {7}, "next"};
  network.nodes.insert(network.nodes.begin() + 9, {"pool", AveragePool{}, {8}, {}});
  for (std::size_t i = 10; i < 12; ++i) network.nodes[i].inputs[0] += 1;
  network.logits = 11;
  network.embedding_logits = 12;
  const std::vector<SharedTensor> state = state_of(network);
  const CompactedNetwork same = compact(network, state, {{false, false, true, false}});
  CHECK(same.architecture.model == "small");
  CHECK(same.gates[0].kept == 4);
  CHECK_FALSE(same.gates[0].silent);
  CHECK(same.gates[0].reason == "a silent expert would have to take its place");
  CHECK(named(same.state, "gate.fc.weight").data == named(state, "gate.fc.weight").data);
  const CompactedNetwork small = compact(network, state, {{false, true, true, false}});
  CHECK(small.gates[0].kept == 3);
  CHECK(small.gates[0].silent);
  CHECK(small.gates[0].reason.empty());
}

TEST_CASE("compaction says what keeps an inactive expert") {
  const Architecture resnet =
      build({{"model", "resnet18_moe"}, {"width", "0.125"}, {"gate_position", "input"}});
  std::vector<std::vector<bool>> inactive;
  for (const std::int32_t gate : resnet.gates()) {
    inactive.emplace_back(
        static_cast<std::size_t>(infer_shapes(resnet)[static_cast<std::size_t>(gate)].channels), false);
    inactive.back()[2] = true;
  }
  const CompactedNetwork small = compact(resnet, state_of(resnet), inactive);
  CHECK(small.gates[0].name == "layer1.0.gate1");
  CHECK(small.gates[0].kept == small.gates[0].experts);
  CHECK(small.gates[0].reason == "the residual stream has their channels (layer1.0.add)");
  CHECK(small.gates[1].kept == small.gates[1].experts - 1);
  CHECK(small.gates[1].reason.empty());

  const Architecture vgg = build({{"model", "vgg11_moe"}, {"width", "0.0625"}, {"gate_position", "input"}});
  inactive.clear();
  for (const std::int32_t gate : vgg.gates()) {
    inactive.emplace_back(
        static_cast<std::size_t>(infer_shapes(vgg)[static_cast<std::size_t>(gate)].channels), true);
  }
  CHECK(compact(vgg, state_of(vgg), inactive).gates[0].reason == "they are channels of the image");

  // A second reader that the gate does not stand before.
  Architecture forked = small_network();
  forked.nodes.insert(forked.nodes.begin() + 5,
                      {"other", Convolution{.channels = 4, .kernel = 1}, {4}, "other"});
  for (std::size_t i = 6; i < forked.nodes.size(); ++i) {
    for (std::int32_t& input : forked.nodes[i].inputs) input += input >= 5 ? 1 : 0;
  }
  forked.nodes[8] = {"add", Add{}, {7, 5}, {}};
  forked.logits = 11;
  forked.embedding_logits = 12;
  forked.nodes[7].operation = Convolution{.channels = 4, .kernel = 1};
  forked.nodes[7].parameters = "norm";
  const CompactedNetwork kept = compact(forked, state_of(forked), {{true, true, false, false}});
  CHECK(kept.gates[0].kept == 4);
  CHECK(kept.gates[0].reason == "node 'other' reads their channels without this gate");
}

TEST_CASE("compaction refuses what does not fit") {
  const Architecture network = small_network();
  const std::vector<bool> none(4, false);
  require_error(ErrorCode::invalid_argument, {"resnet18", "is dense"}, [&] {
    const Architecture dense = build({{"model", "resnet18"}});
    compact(dense, {}, {});
  });
  require_error(ErrorCode::invalid_argument, {"2 gates", "has 1"}, [&] {
    compact(network, state_of(network), {none, none});
  });
  require_error(ErrorCode::invalid_argument, {"3 experts", "'gate'", "has 4"}, [&] {
    compact(network, state_of(network), {{true, true, true}});
  });
  std::vector<SharedTensor> state = state_of(network);
  state.erase(state.begin());
  require_error(ErrorCode::format, {"lacks", "embedding.linear.weight"},
                [&] { compact(network, state, {none}); });
  state = state_of(network);
  state[0].shape = {3, 5};
  require_error(ErrorCode::format, {"shape", state[0].name}, [&] { compact(network, state, {none}); });
  state = state_of(network);
  state[0].type = DataType::f16;
  require_error(ErrorCode::format, {"F16", state[0].name}, [&] { compact(network, state, {none}); });
  state = state_of(network);
  state.push_back(state[0]);
  state.back().name = "stranger";
  require_error(ErrorCode::format, {"stranger"}, [&] { compact(network, state, {none}); });
}
