#include <doctest/doctest.h>

#include "architecture/build.hpp"

using namespace deepmoe;

namespace {

std::vector<std::int64_t> widths(const Architecture& network) {
  std::vector<std::int64_t> all;
  for (const Node& node : network.nodes) {
    const auto* convolution = std::get_if<Convolution>(&node.operation);
    if (convolution != nullptr && node.name.starts_with("features.")) all.push_back(convolution->channels);
  }
  return all;
}

}  // namespace

TEST_CASE("wide doubles every convolution of a vgg but the first") {
  const std::vector<std::int64_t> plain = widths(build({{"model", "vgg16"}}));
  const std::vector<std::int64_t> wide = widths(build({{"model", "vgg16"}, {"wide", "true"}}));
  REQUIRE(plain.size() == 13);
  REQUIRE(wide.size() == 13);
  CHECK(wide[0] == plain[0]);
  for (std::size_t i = 1; i < plain.size(); ++i) CHECK(wide[i] == 2 * plain[i]);
}

TEST_CASE("width reaches the first convolution and the hidden linear layers") {
  const Architecture network = build({{"model", "vgg11_bn"}, {"variant", "imagenet"}, {"width", "0.25"}});
  CHECK(widths(network) == std::vector<std::int64_t>{16, 32, 64, 64, 128, 128, 128, 128});
  CHECK(std::get<Linear>(node_called(network, "classifier.0").operation).channels == 1024);
  CHECK(std::get<Linear>(node_called(network, "classifier.3").operation).channels == 1024);
  CHECK(std::get<Linear>(node_called(network, "classifier.6").operation).channels == 10);
}

TEST_CASE("the classifier follows the variant") {
  const Architecture imagenet = build({{"model", "vgg11_moe"}, {"variant", "imagenet"}});
  CHECK(path(imagenet, "avgpool", "classifier.6") ==
        std::vector<std::string>{"avgpool", "flatten", "classifier.0", "classifier.1", "classifier.2",
                                 "classifier.3", "classifier.4", "classifier.5", "classifier.6"});
  CHECK(std::holds_alternative<Dropout>(node_called(imagenet, "classifier.2").operation));
  CHECK(std::get<AveragePool>(node_called(imagenet, "avgpool").operation).output_size == 7);
  const Architecture cifar = build({{"model", "vgg11_moe"}, {"variant", "cifar"}});
  CHECK(path(cifar, "avgpool", "classifier.0") ==
        std::vector<std::string>{"avgpool", "flatten", "classifier.0"});
  CHECK(cifar.logits == find_node(cifar, "classifier.0"));
  CHECK(std::get<AveragePool>(node_called(cifar, "avgpool").operation).output_size == 1);
}
