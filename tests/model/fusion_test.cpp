#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "model/fusion.hpp"

#include <map>

#include "model/small_model.hpp"

using namespace deepmoe;

namespace {

Architecture architecture(const std::vector<std::pair<std::string, std::string>>& more) {
  return build_architecture(test::small_options(more));
}

std::string name_of(const Architecture& network, std::int32_t node) {
  return node < 0 ? std::string() : network.nodes[static_cast<std::size_t>(node)].name;
}

NormGroup group_of(const Architecture& network, const std::string& norm) {
  for (const NormGroup& group : find_norm_groups(network)) {
    if (name_of(network, group.norm) == norm) return group;
  }
  FAIL("no group has the norm " << norm);
  return {};
}

}  // namespace

TEST_CASE("every batch norm is in a group of its own and no node in two") {
  for (const char* position : {"pre_bn", "post_bn", "input"}) {
    for (const char* model :
         {"resnet18_moe", "resnet50_moe_a", "resnet50_moe_b", "vgg11_bn_moe", "resnet50"}) {
      const Architecture network =
          architecture({{"model", model}, {"gate_position", position}, {"image_size", "32"}});
      std::map<std::int32_t, int> uses;
      std::size_t norms = 0;
      for (const Node& node : network.nodes) {
        if (std::holds_alternative<BatchNorm>(node.operation)) ++norms;
      }
      const std::vector<NormGroup> groups = find_norm_groups(network);
      CHECK(groups.size() == norms);
      for (const NormGroup& group : groups) {
        for (const std::int32_t node : {group.norm, group.gate, group.add, group.relu, group.pool}) {
          if (node >= 0) CHECK(++uses[node] == 1);
        }
      }
    }
  }
}

TEST_CASE("a group reaches from the gate to the ReLU behind the addition") {
  const Architecture before = architecture({{"gate_position", "pre_bn"}});
  const NormGroup first = group_of(before, "layer2.0.bn2");
  CHECK(name_of(before, first.gate) == "layer2.0.gate2");
  CHECK(first.gate_first);
  CHECK(name_of(before, first.input) == "layer2.0.conv2");
  CHECK(name_of(before, first.residual) == "layer2.0.downsample.1");
  CHECK(name_of(before, first.last) == "layer2.0.relu2");

  const Architecture behind = architecture({{"gate_position", "post_bn"}});
  const NormGroup second = group_of(behind, "layer2.0.bn1");
  CHECK(name_of(behind, second.gate) == "layer2.0.gate1");
  CHECK_FALSE(second.gate_first);
  CHECK(name_of(behind, second.input) == "layer2.0.conv1");
  CHECK(name_of(behind, second.last) == "layer2.0.relu1");
  const NormGroup shortcut = group_of(behind, "layer2.0.downsample.1");
  CHECK(shortcut.last == shortcut.norm);
}

TEST_CASE("the stem ends with its maximum and a gate on a convolution's input is left out") {
  const Architecture network =
      architecture({{"variant", "imagenet"}, {"image_size", "32"}, {"gate_position", "input"}});
  CHECK(name_of(network, group_of(network, "bn1").last) == "maxpool");
  const NormGroup group = group_of(network, "layer1.0.bn1");
  CHECK(group.gate == -1);
  CHECK(name_of(network, group.last) == "layer1.0.relu1");
}

TEST_CASE("a value that is an output of the network ends its group") {
  Architecture network = architecture({{"gate_position", "post_bn"}});
  const NormGroup whole = group_of(network, "layer1.0.bn1");
  network.logits = whole.norm;
  CHECK(group_of(network, "layer1.0.bn1").last == whole.norm);
}
