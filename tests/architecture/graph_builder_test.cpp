#include <doctest/doctest.h>

#include "architecture/build.hpp"

using namespace deepmoe;
using Names = std::vector<std::string>;

TEST_CASE("gates stand where gate_position puts them in a residual block") {
  const auto block = [](const char* position) {
    const Architecture network = build({{"model", "resnet18_moe"}, {"gate_position", position}});
    return path(network, "relu", "layer1.0.add");
  };
  CHECK(block("pre_bn") == Names{"relu", "layer1.0.conv1", "layer1.0.gate1", "layer1.0.bn1", "layer1.0.relu1",
                                 "layer1.0.conv2", "layer1.0.gate2", "layer1.0.bn2", "layer1.0.add"});
  CHECK(block("post_bn") == Names{"relu", "layer1.0.conv1", "layer1.0.bn1", "layer1.0.gate1",
                                  "layer1.0.relu1", "layer1.0.conv2", "layer1.0.bn2", "layer1.0.gate2",
                                  "layer1.0.add"});
  CHECK(block("input") == Names{"relu", "layer1.0.gate1", "layer1.0.conv1", "layer1.0.bn1", "layer1.0.relu1",
                                "layer1.0.gate2", "layer1.0.conv2", "layer1.0.bn2", "layer1.0.add"});
}

TEST_CASE("the shortcut reads the ungated block input") {
  const Architecture network = build({{"model", "resnet18_moe"}, {"gate_position", "input"}});
  CHECK(node_called(network, "layer1.0.add").inputs[1] == find_node(network, "relu"));
  CHECK(node_called(network, "layer2.0.downsample.0").inputs[0] == find_node(network, "layer1.1.relu2"));
}

TEST_CASE("a vgg without batch norm has the gate after the convolution or before it") {
  const auto first = [](const char* position) {
    const Architecture network = build({{"model", "vgg11_moe"}, {"gate_position", position}});
    return path(network, "input", "features.0.relu");
  };
  CHECK(first("pre_bn") == Names{"input", "features.0.conv", "gating.0", "features.0.relu"});
  CHECK(first("post_bn") == first("pre_bn"));
  CHECK(first("input") == Names{"input", "gating.0", "features.0.conv", "features.0.relu"});
}
