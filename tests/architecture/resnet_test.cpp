#include <doctest/doctest.h>

#include "architecture/build.hpp"

using namespace deepmoe;

namespace {

const Convolution& convolution(const Architecture& network, const std::string& name) {
  return std::get<Convolution>(node_called(network, name).operation);
}

}  // namespace

TEST_CASE("the stem follows the variant") {
  const Architecture cifar = build({{"model", "resnet18"}, {"variant", "cifar"}});
  CHECK(convolution(cifar, "conv1").kernel == 3);
  CHECK(convolution(cifar, "conv1").stride == 1);
  CHECK(convolution(cifar, "conv1").padding == 1);
  CHECK(find_node(cifar, "maxpool") == -1);
  const Architecture imagenet = build({{"model", "resnet18"}, {"variant", "imagenet"}});
  CHECK(convolution(imagenet, "conv1").kernel == 7);
  CHECK(convolution(imagenet, "conv1").stride == 2);
  CHECK(convolution(imagenet, "conv1").padding == 3);
  CHECK(find_node(imagenet, "maxpool") > 0);
}

TEST_CASE("the stride of a bottleneck sits on its 3x3 convolution") {
  const Architecture network = build({{"model", "resnet50"}});
  CHECK(convolution(network, "layer2.0.conv1").stride == 1);
  CHECK(convolution(network, "layer2.0.conv2").stride == 2);
  CHECK(convolution(network, "layer2.1.conv2").stride == 1);
  CHECK(convolution(network, "layer2.0.downsample.0").stride == 2);
  CHECK(convolution(network, "layer1.0.downsample.0").stride == 1);
  CHECK(convolution(network, "layer1.0.downsample.0").channels == 256);
}

TEST_CASE("gated convolutions have a bias and the others none") {
  const Architecture network = build({{"model", "resnet50_moe_b"}});
  CHECK(convolution(network, "layer1.0.conv2").bias);
  CHECK_FALSE(convolution(network, "layer1.0.conv1").bias);
  CHECK_FALSE(convolution(network, "layer1.0.conv3").bias);
  CHECK_FALSE(convolution(network, "layer1.0.downsample.0").bias);
  CHECK_FALSE(convolution(network, "conv1").bias);
  CHECK(node_called(network, "layer1.0.conv2").parameters == "layer1.0.conv2.conv_layer");
  CHECK(node_called(network, "layer1.0.gate").parameters == "layer1.0.gate");
}

TEST_CASE("width and wide reach every layer of a resnet") {
  const Architecture network = build({{"model", "resnet50"}, {"width", "0.5"}, {"wide", "true"}});
  const Architecture plain = build({{"model", "resnet50"}});
  for (std::size_t i = 0; i < plain.nodes.size(); ++i) {
    if (const auto* here = std::get_if<Convolution>(&plain.nodes[i].operation)) {
      CHECK(std::get<Convolution>(network.nodes[i].operation).channels == here->channels);
    }
  }
  CHECK(convolution(build({{"model", "resnet18"}, {"wide", "true"}}), "conv1").channels == 128);
  CHECK(convolution(build({{"model", "resnet18"}, {"width", "0.25"}}), "layer4.0.conv1").channels == 128);
}
