#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "plugin/plugin.hpp"
#include "plugin_files.hpp"

using namespace deepmoe;

namespace {

Options network(const std::string& model) {
  Options options;
  options.set("model", model);
  options.set("num_classes", "5");
  options.set("image_size", "32");
  return options;
}

Architecture sample() {
  load_plugin(plugin_file("sample_backbone"));
  return build_architecture(network("sample_backbone:tiny"));
}

std::vector<std::shared_ptr<const Plugin>> plugin(const std::string& name) {
  return {load_plugin(plugin_file(name))};
}

}  // namespace

TEST_CASE("a plugin's backbone is a network like any other") {
  const Architecture architecture = sample();
  CHECK(architecture.model == "sample_backbone:tiny");
  CHECK(architecture.num_classes() == 5);
  CHECK(architecture.gates().size() == 1);
  CHECK(cost(architecture).dense_macs > 0);
  CHECK(architecture_from_json(to_json(architecture)).model == architecture.model);
}

TEST_CASE("backbones that fail or give garbage are refused with the file and the reason") {
  load_plugin(plugin_file("faulty"));
  for (const auto& [name, code, reason] : std::vector<std::tuple<const char*, ErrorCode, const char*>>{
           {"build_fails", ErrorCode::invalid_argument, "width must be odd"},
           {"build_throws", ErrorCode::internal, "collapsed"},
           {"build_text", ErrorCode::format, "is not JSON"},
           {"build_operation", ErrorCode::format, "unknown operation 'teleport'"},
           {"build_channels", ErrorCode::format, "image_channels of its network is 1, must be 3"},
           {"build_size", ErrorCode::format, "image_size of its network is 48, must be 32"},
           {"build_classes", ErrorCode::format, "the number of classes of its network is 7, must be 5"},
           {"build_negative", ErrorCode::format, "'fc'"},
           {"build_huge", ErrorCode::format, "'fc'"}}) {
    CAPTURE(name);
    require_error(code, {plugin_file("faulty"), concat("backbone '", name, "'"), reason},
                  [&] { build_architecture(network(concat("faulty:", name))); });
  }
}

TEST_CASE("an unknown backbone names option plugin and the nearest one") {
  sample();
  require_error(ErrorCode::not_found,
                {"'sample_backbone:tony'", "option plugin", "Did you mean 'sample_backbone:tiny'?"},
                [] { build_architecture(network("sample_backbone:tony")); });
}

TEST_CASE("a gate metric gives a figure of the gates it was shown") {
  GateMetrics metrics(plugin("sample_gate_metric"), sample());
  REQUIRE_FALSE(metrics.empty());
  std::vector<float> gates(32, 0.0F);
  gates[0] = gates[1] = gates[16] = 0.5F;
  metrics.add(0, gates.data(), 2, 16);
  CHECK(metrics.read() == nlohmann::json{{"sample_metric:active", {1.5}}});
}

TEST_CASE("a dense network has no gate metrics") {
  CHECK(GateMetrics(plugin("sample_gate_metric"), build_architecture(network("resnet18"))).empty());
}

TEST_CASE("gate metrics that fail or throw are errors with the file and the reason") {
  const Architecture architecture = sample();
  const float gates[16] = {};
  {
    const Fault fault("metric create fails");
    require_error(ErrorCode::unsupported, {plugin_file("faulty"), "no such gates"},
                  [&] { GateMetrics(plugin("faulty"), architecture); });
  }
  GateMetrics metrics(plugin("faulty"), architecture);
  for (const auto& [name, code, reason] : std::vector<std::tuple<const char*, ErrorCode, const char*>>{
           {"metric fails", ErrorCode::numeric, "a gate is not a number"},
           {"metric throws", ErrorCode::internal, "too many gates"}}) {
    const Fault fault(name);
    require_error(code, {plugin_file("faulty"), "gate metric 'half'", reason},
                  [&] { metrics.add(0, gates, 1, 16); });
  }
  metrics.add(0, gates, 1, 16);
  {
    const Fault fault("metric reads garbage");
    require_error(ErrorCode::format, {plugin_file("faulty"), "is not JSON: 'NaN'"}, [&] { metrics.read(); });
  }
  {
    const Fault fault("metric reads depths");
    require_error(ErrorCode::format, {plugin_file("faulty"), "nested more than 100 deep"},
                  [&] { metrics.read(); });
  }
  CHECK(metrics.read().at("faulty:half") == 0.5);
}
