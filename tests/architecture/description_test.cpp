#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "architecture/build.hpp"

using namespace deepmoe;
using nlohmann::json;

TEST_CASE("the description agrees with the cost") {
  const Architecture network = build({{"model", "resnet50_moe_a"}});
  const Cost total = cost(network);
  const json description = describe(network);
  CHECK(description.at("model") == "resnet50_moe_a");
  CHECK(description.at("num_classes") == 10);
  CHECK(description.at("gated") == true);
  CHECK(description.at("minimum_image_size") == 1);
  CHECK(description.at("totals").at("all").at("parameters") == total.parameters);
  CHECK(description.at("totals").at("gating").at("dense_macs") == total.gating_macs);
  double share = 0;
  for (const char* part : {"trunk", "gating", "embedding"}) {
    share += description.at("totals").at(part).at("dense_macs_share").get<double>();
  }
  CHECK(share == doctest::Approx(1));
  std::int64_t macs = 0;
  for (const json& node : description.at("nodes")) macs += node.at("dense_macs").get<std::int64_t>();
  CHECK(macs == total.dense_macs);
  CHECK(description.at("nodes").size() == network.nodes.size());
}

TEST_CASE("the description lists what each gate spares") {
  const json description = describe(build({{"model", "resnet18_moe"}}));
  REQUIRE(description.at("gates").size() == 16);
  const json& first = description.at("gates").at(0);
  CHECK(first.at("name") == "layer1.0.gate1");
  CHECK(first.at("experts") == 64);
  CHECK(first.at("spares_outputs_of") == json::array({"layer1.0.conv1"}));
  CHECK(first.at("spares_inputs_of") == json::array({"layer1.0.conv2"}));
  CHECK(describe(build({{"model", "resnet18"}})).at("gates").empty());
}

TEST_CASE("nodes are described with shape and attributes") {
  const json description = describe(build({{"model", "resnet18"}}));
  const json& stem = description.at("nodes").at(1);
  CHECK(stem.at("name") == "conv1");
  CHECK(stem.at("operation") == "conv");
  CHECK(stem.at("shape") == json::array({64, 32, 32}));
  CHECK(stem.at("attributes").at("kernel") == 3);
  CHECK(stem.at("inputs") == json::array({"input"}));
  CHECK(description.at("nodes").back().at("shape") == json::array({10}));
}
