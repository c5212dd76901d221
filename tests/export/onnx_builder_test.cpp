#include "export/onnx_builder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "architecture/build.hpp"
#include "base/require_error.hpp"
#include "export/network_weights.hpp"

using namespace deepmoe;

namespace {

using Extent = std::variant<std::int64_t, std::string>;

OnnxGraph graph_of(const Architecture& architecture, const OnnxSettings& settings = {}) {
  return build_onnx_graph(architecture, NetworkWeights(architecture).views, settings);
}

std::vector<std::string> names_of(const std::vector<OnnxValue>& values) {
  std::vector<std::string> names;
  for (const OnnxValue& value : values) names.push_back(value.name);
  return names;
}

std::size_t count(const OnnxGraph& graph, const std::string& operation) {
  return static_cast<std::size_t>(
      std::count_if(graph.nodes.begin(), graph.nodes.end(),
                    [&](const OnnxNode& node) { return node.operation == operation; }));
}

/// Every value is given once, before it is read; constants and outputs are there.
void expect_sound(const OnnxGraph& graph) {
  std::set<std::string> known;
  for (const OnnxValue& input : graph.inputs) CHECK(known.insert(input.name).second);
  for (const OnnxConstant& constant : graph.constants) {
    CAPTURE(constant.name);
    CHECK(known.insert(constant.name).second);
    std::size_t bytes = constant.type == OnnxType::f32 ? 4 : 8;
    for (const std::int64_t extent : constant.shape) bytes *= static_cast<std::size_t>(extent);
    CHECK(constant.data.size() == bytes);
  }
  for (const OnnxNode& node : graph.nodes) {
    CAPTURE(node.name);
    for (const std::string& input : node.inputs) CHECK(known.count(input) == 1);
    for (const std::string& output : node.outputs) CHECK(known.insert(output).second);
  }
  for (const OnnxValue& output : graph.outputs) CHECK(known.count(output.name) == 1);
}

}  // namespace

TEST_CASE("every network becomes a sound graph with the outputs of predict") {
  for (const std::string& name : model_names()) {
    for (const char* variant : {"cifar", "imagenet"}) {
      for (const char* position : {"pre_bn", "post_bn", "input"}) {
        CAPTURE(name);
        CAPTURE(variant);
        CAPTURE(position);
        const Architecture architecture =
            build({{"model", name}, {"width", "0.0625"}, {"variant", variant}, {"gate_position", position}});
        OnnxSettings settings;
        settings.gates = architecture.gated();
        const OnnxGraph graph = graph_of(architecture, settings);
        expect_sound(graph);
        std::vector<std::string> expected = {"logits"};
        if (architecture.gated()) {
          expected.insert(expected.end(), {"embedding", "embedding_logits"});
          for (const std::int32_t gate : architecture.gates()) {
            expected.push_back("gate." + architecture.nodes[static_cast<std::size_t>(gate)].name);
          }
          CHECK(count(graph, "Erf") == 4);
        }
        CHECK(names_of(graph.outputs) == expected);
        CHECK(count(graph, "Unsqueeze") == architecture.gates().size());
        if (!architecture.gated()) break;
      }
    }
  }
}

TEST_CASE("without the gates the only output is logits") {
  const OnnxGraph graph = graph_of(small_network());
  CHECK(names_of(graph.outputs) == std::vector<std::string>{"logits"});
  CHECK(graph.outputs[0].shape == std::vector<Extent>{"batch", std::int64_t{2}});
}

TEST_CASE("height and width are open unless the network or the settings fix them") {
  using Shape4 = std::vector<Extent>;
  const Shape4 open = {"batch", std::int64_t{3}, "height", "width"};
  const auto closed = [](std::int64_t side) { return Shape4{"batch", std::int64_t{3}, side, side}; };
  const Architecture resnet = build({{"model", "resnet18_moe"}, {"width", "0.125"}});
  CHECK(graph_of(resnet).inputs[0].shape == open);
  OnnxSettings fixed;
  fixed.image_size = 48;
  CHECK(graph_of(resnet, fixed).inputs[0].shape == closed(48));
  const Architecture vgg =
      build({{"model", "vgg11_moe"}, {"width", "0.0625"}, {"variant", "imagenet"}, {"image_size", "64"}});
  CHECK(graph_of(vgg).inputs[0].shape == closed(64));
  // 64 / 32 = 2 pixels, 7 / 1, 14 / 2, 9 for 7.
  CHECK(count(graph_of(vgg), "MatMul") == 2);
  fixed.image_size = 224;
  CHECK(count(graph_of(vgg, fixed), "MatMul") == 0);
  CHECK(count(graph_of(vgg, fixed), "AveragePool") == 0);
  fixed.image_size = 448;
  CHECK(count(graph_of(vgg, fixed), "AveragePool") == 1);
  fixed.image_size = 288;
  CHECK(count(graph_of(vgg, fixed), "MatMul") == 2);
}

TEST_CASE("a network whose weights depend on the image size keeps it") {
  Architecture network = small_network();
  network.nodes[static_cast<std::size_t>(find_node(network, "pool"))].operation = Relu{};
  CHECK(graph_of(network).inputs[0].shape.back() == Extent(std::int64_t{8}));
  OnnxSettings settings;
  settings.image_size = 16;
  require_error(ErrorCode::invalid_argument, {"8 pixels", "16"}, [&] { graph_of(network, settings); });
}

TEST_CASE("any names of nodes and parameters give a sound graph") {
  Architecture network = small_network();
  const auto rename = [&](const std::string& from, const std::string& to) {
    network.nodes[static_cast<std::size_t>(find_node(network, from))].name = to;
  };
  rename("conv", "logits");
  rename("gate", "fc.weight");
  rename("norm", "fc.weight/fc");
  rename("relu", "input/gates");
  network.nodes[static_cast<std::size_t>(find_node(network, "logits"))].parameters = "/logits";
  network.nodes[static_cast<std::size_t>(find_node(network, "fc.weight"))].parameters = "gate";
  validate(network);
  OnnxSettings settings;
  settings.gates = true;
  const OnnxGraph graph = graph_of(network, settings);
  expect_sound(graph);
  CHECK(names_of(graph.outputs) ==
        std::vector<std::string>{"logits", "embedding", "embedding_logits", "gate.fc.weight"});
}

TEST_CASE("one node may be several outputs and dropout is left out") {
  Architecture network = small_network();
  network.nodes.push_back({"drop", Dropout{}, {network.logits}, {}});
  network.logits = network.embedding_logits = static_cast<std::int32_t>(network.nodes.size()) - 1;
  OnnxSettings settings;
  settings.gates = true;
  const OnnxGraph graph = graph_of(network, settings);
  expect_sound(graph);
  CHECK(count(graph, "Dropout") == 0);
  CHECK(count(graph, "Identity") == 2);
}

TEST_CASE("constants are the weights themselves") {
  const Architecture network = small_network();
  const NetworkWeights weights(network);
  const OnnxGraph graph = build_onnx_graph(network, weights.views, {});
  for (const TensorView& view : weights.views) {
    CAPTURE(view.name);
    const auto found = std::find_if(graph.constants.begin(), graph.constants.end(),
                                    [&](const OnnxConstant& constant) { return constant.name == view.name; });
    REQUIRE(found != graph.constants.end());
    CHECK(found->data.data() == view.data.data());
    CHECK(found->shape == view.shape);
  }
}

TEST_CASE("what cannot be exported is refused in words") {
  const Architecture dense = build({{"model", "resnet18"}, {"width", "0.125"}});
  OnnxSettings gates;
  gates.gates = true;
  require_error(ErrorCode::invalid_argument, {"resnet18", "dense", "gates"}, [&] { graph_of(dense, gates); });
  const Architecture network = small_network();
  NetworkWeights weights(network);
  std::vector<TensorView> missing(weights.views.begin() + 1, weights.views.end());
  require_error(ErrorCode::invalid_argument, {weights.views[0].name, "lack"},
                [&] { build_onnx_graph(network, missing, {}); });
  std::vector<TensorView> misshapen = weights.views;
  misshapen[0].shape = {1};
  require_error(ErrorCode::invalid_argument, {weights.views[0].name, "shape"},
                [&] { build_onnx_graph(network, misshapen, {}); });
  std::vector<TensorView> halves = weights.views;
  halves[0].type = DataType::f16;
  require_error(ErrorCode::invalid_argument, {weights.views[0].name, "F32"},
                [&] { build_onnx_graph(network, halves, {}); });
  OnnxSettings tiny;
  tiny.image_size = 1;
  const Architecture vgg = build({{"model", "vgg11"}, {"width", "0.0625"}});
  require_error(ErrorCode::invalid_argument, {}, [&] { graph_of(vgg, tiny); });
}
