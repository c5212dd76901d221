#include "architecture/gate_selection.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "architecture/build.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;

namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

std::vector<std::int64_t> limits_of(const Architecture& architecture) {
  std::vector<std::int64_t> limits;
  for (const std::int32_t gate : architecture.gates()) {
    limits.push_back(
        std::get<Gate>(architecture.nodes[static_cast<std::size_t>(gate)].operation).active_limit);
  }
  return limits;
}

Architecture selected(const Values& more) {
  Values values{
      {"model", "resnet18_moe"}, {"width", "0.25"}, {"gate_select", "topk"}, {"limited_gates", "all"}};
  values.insert(values.end(), more.begin(), more.end());
  return build(values);
}

}  // namespace

TEST_CASE("without a wish gates have no limit") {
  CHECK(limits_of(selected({})) == std::vector<std::int64_t>(16, 0));
  CHECK(limits_of(build({{"model", "resnet18_moe"}, {"gate_select", "relu"}, {"target_macs", "0.5"}})) ==
        std::vector<std::int64_t>(16, 0));
}

TEST_CASE("a density keeps the nearest number of experts and at least one") {
  const std::vector<std::int64_t> limits = limits_of(selected({{"gate_density", "0.3"}}));
  CHECK(limits[0] == 5);    // of 16
  CHECK(limits[15] == 38);  // of 128
  CHECK(limits_of(selected({{"target_density", "0.3"}})) == limits);
  CHECK(limits_of(selected({{"gate_density", "0.001"}})) == std::vector<std::int64_t>(16, 1));
}

TEST_CASE("a density may be given for each gate") {
  std::string list;
  for (int gate = 0; gate < 16; ++gate) list += gate % 2 == 0 ? "1," : "0.5,";
  const std::vector<std::int64_t> limits = limits_of(selected({{"gate_density", list}}));
  CHECK(limits[0] == 0);
  CHECK(limits[1] == 8);
  CHECK(limits[14] == 0);
  CHECK(limits[15] == 64);
  require_error(ErrorCode::invalid_argument, {"gate_density has 2 numbers", "16 gates"},
                [] { selected({{"gate_density", "0.5,0.25"}}); });
}

TEST_CASE("a budget of MACs is kept within two percent for every family") {
  for (const char* model : {"resnet18_moe", "resnet34_moe", "resnet50_moe_a", "vgg11_moe", "vgg16_bn_moe"}) {
    for (const char* position : {"post_bn", "input"}) {
      for (const double target : {0.4, 0.5, 0.75, 0.95}) {
        for (const char* width : {"0.125", "0.25", "1"}) {
          for (const char* gates : {"all", "inner"}) {
            INFO(std::string(gates), " ", std::string(model), " ", std::string(position), " ",
                 std::string(width), " at ", target);
            const Architecture network = build({{"model", model},
                                                {"width", width},
                                                {"gate_position", position},
                                                {"embedding_dim", "16"},
                                                {"gate_select", "topk"},
                                                {"limited_gates", gates},
                                                {"target_macs", std::to_string(target)}});
            const Cost total = cost(network);
            const double macs = limited_macs(network, total, limits_of(network));
            CHECK(macs <= target);
            CHECK(macs > 0.98 * target);
          }
        }
      }
    }
  }
}

TEST_CASE("limits of inner gates leave what is added to the shortcut whole") {
  for (const auto& [model, position, first] :
       {std::tuple{"resnet18_moe", "post_bn", 0}, std::tuple{"resnet18_moe", "input", 1}}) {
    INFO(std::string(model), " ", std::string(position));
    const Architecture network = build({{"model", model},
                                        {"width", "0.25"},
                                        {"embedding_dim", "16"},
                                        {"gate_position", position},
                                        {"gate_select", "topk"},
                                        {"limited_gates", "inner"},
                                        {"target_macs", "0.5"}});
    const std::vector<std::int64_t> limits = limits_of(network);
    for (std::size_t gate = 0; gate < limits.size(); ++gate) {
      CHECK((limits[gate] > 0) == (static_cast<int>(gate % 2) == first));
    }
    const double macs = limited_macs(network, cost(network), limits);
    CHECK(macs <= 0.5);
    CHECK(macs > 0.49);
  }
  const std::vector<std::int64_t> limits =
      limits_of(selected({{"limited_gates", "inner"}, {"target_density", "0.5"}}));
  CHECK(limits[0] == 8);
  CHECK(limits[1] == 0);
  // Every gate of a VGG lies between two layers.
  const Architecture vgg = build(
      {{"model", "vgg11_moe"}, {"gate_select", "topk"}, {"limited_gates", "inner"}, {"gate_density", "0.5"}});
  for (const std::int64_t limit : limits_of(vgg)) CHECK(limit > 0);
}

TEST_CASE("wishes that cannot be met are refused in words") {
  require_error(ErrorCode::invalid_argument,
                {"gate_density is 0.5", "gate_select is relu", "set gate_select to topk"},
                [] { selected({{"gate_select", "relu"}, {"gate_density", "0.5"}}); });
  require_error(ErrorCode::invalid_argument, {"target_macs is 0.01", "resnet18_moe", "choose a larger one"},
                [] { selected({{"target_macs", "0.01"}}); });
  require_error(ErrorCode::invalid_argument, {"target_density", "resnet18", "dense"},
                [] { build({{"model", "resnet18"}, {"gate_select", "topk"}, {"target_density", "0.5"}}); });
  require_error(ErrorCode::invalid_argument, {"gate_density, target_density and target_macs", "one of them"},
                [] { selected({{"target_macs", "0.5"}, {"target_density", "0.5"}}); });
}

TEST_CASE("limits and influence are part of the architecture and survive as JSON") {
  const Architecture network = selected({{"gate_density", "0.5"}, {"embedding_influence", "0.1"}});
  const Architecture back = architecture_from_json(nlohmann::json::parse(to_json(network).dump()));
  CHECK(limits_of(back) == limits_of(network));
  const Gate gate = std::get<Gate>(node_called(back, "layer2.0.gate1").operation);
  CHECK(gate.influence == 0.1);
  CHECK(gate.active_limit == 16);
  // What has no limit is written as before there were any.
  CHECK(to_json(selected({})).dump().find("active_limit") == std::string::npos);
  CHECK(to_json(selected({{"embedding_influence", "1"}})).dump().find("influence") == std::string::npos);
}

TEST_CASE("a limit or influence that makes no sense is refused with the node") {
  Architecture network = small_network();
  std::get<Gate>(network.nodes[5].operation).active_limit = -1;
  require_error(ErrorCode::format, {"'gate'", "active_limit is -1"}, [&] { validate(network); });
  network = small_network();
  std::get<Gate>(network.nodes[5].operation).influence = -0.5;
  require_error(ErrorCode::format, {"'gate'", "influence is -0.5"}, [&] { validate(network); });
}
