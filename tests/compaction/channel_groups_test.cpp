#include "compaction/channel_groups.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "architecture/build.hpp"

using namespace deepmoe;

namespace {

std::vector<std::string> names(const Architecture& network, const std::vector<std::int32_t>& nodes) {
  std::vector<std::string> found;
  for (const std::int32_t node : nodes) found.push_back(network.nodes[static_cast<std::size_t>(node)].name);
  return found;
}

}  // namespace

TEST_CASE("a group of channels reaches from a convolution to those that read it") {
  const Architecture network = build({{"model", "resnet50_moe_a"}, {"width", "0.0625"}});
  const std::vector<ChannelGroup> groups = find_channel_groups(network);
  REQUIRE(groups.size() == network.gates().size());
  using Names = std::vector<std::string>;
  CHECK(names(network, groups[0].members) ==
        Names{"layer1.0.conv1", "layer1.0.bn1", "layer1.0.gate1", "layer1.0.relu1"});
  REQUIRE(groups[0].readers.size() == 1);
  CHECK(names(network, {groups[0].readers[0].node, groups[0].readers[0].source}) ==
        Names{"layer1.0.conv2", "layer1.0.relu1"});
  CHECK(groups[0].channels == 4);
  for (const ChannelGroup& group : groups) CHECK(group.pinned.empty());
}

TEST_CASE("a flattened image has a block of elements for each channel") {
  const Architecture network =
      build({{"model", "vgg11_bn_moe"}, {"variant", "imagenet"}, {"width", "0.0625"}});
  const std::vector<ChannelGroup> groups = find_channel_groups(network);
  CHECK(groups.back().readers.at(0).block == 49);
  CHECK(groups.front().readers.at(0).block == 1);
}

TEST_CASE("channels of a sum or of the image or of an output are pinned") {
  const Architecture basic = build({{"model", "resnet18_moe"}, {"width", "0.125"}});
  const std::vector<ChannelGroup> groups = find_channel_groups(basic);
  CHECK(groups[0].pinned.empty());
  CHECK(groups[1].pinned == "the residual stream has their channels (layer1.0.add)");

  Architecture network = small_network();
  network.nodes = {network.nodes[0],
                   network.nodes[1],
                   network.nodes[2],
                   network.nodes[3],
                   {"gate", Gate{}, {0, 3}, "gate"},
                   {"pool", AveragePool{}, {4}, {}},
                   {"flatten", Flatten{}, {5}, {}},
                   {"fc", Linear{.channels = 2}, {6}, "fc"},
                   {"gate2", Gate{}, {7, 3}, "gate2"},
                   {"embedding_classifier", Linear{.channels = 2}, {3}, "embedding_classifier"}};
  network.logits = 8;
  network.embedding_logits = 9;
  validate(network);
  const std::vector<ChannelGroup> others = find_channel_groups(network);
  REQUIRE(others.size() == 2);
  CHECK(others[0].pinned == "they are channels of the image");
  CHECK(others[1].pinned == "they are an output of the network");
}

TEST_CASE("a gate on single pixels pins their channels") {
  Architecture network = small_network();
  network.nodes = {network.nodes[0],
                   network.nodes[1],
                   network.nodes[2],
                   network.nodes[3],
                   {"conv", Convolution{.channels = 4, .kernel = 3}, {0}, "conv"},
                   {"flatten", Flatten{}, {4}, {}},
                   {"gate", Gate{}, {5, 3}, "gate"},
                   {"fc", Linear{.channels = 2}, {6}, "fc"},
                   {"embedding_classifier", Linear{.channels = 2}, {3}, "embedding_classifier"}};
  network.logits = 7;
  network.embedding_logits = 8;
  validate(network);
  CHECK(find_channel_groups(network).at(0).pinned == "node 'gate' works on single pixels of a channel");
}
