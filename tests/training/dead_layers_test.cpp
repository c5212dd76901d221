#include "training/dead_layers.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/base.hpp"

using namespace deepmoe;
using nlohmann::json;

namespace {

/// What is logged while it lives.
class LogCapture {
 public:
  LogCapture() {
    set_log_sink([this](LogLevel level, const std::string& message) {
      if (level == LogLevel::warning) warnings.push_back(message);
    });
  }
  ~LogCapture() { set_log_sink({}); }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  std::vector<std::string> warnings;
};

json layers(const std::vector<int>& dead) {
  json result = json::array();
  for (const int count : dead) {
    result.push_back(
        {{"name", "layer" + std::to_string(result.size() + 1)}, {"experts", 8}, {"dead_experts", count}});
  }
  return result;
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a layer that dies is named with what to try") {
  Options options;
  options.set("lambda_val", "0.5");
  options.set("lr", "0.3");
  options.set("gate_init", "random");
  DeadLayers dead_layers(options);
  const LogCapture log;
  dead_layers.check(1, 100, layers({0, 7, 0}));
  CHECK(log.warnings.empty());
  dead_layers.check(2, 100, layers({0, 8, 0}));
  REQUIRE(log.warnings.size() == 1);
  for (const char* part : {"layer layer2 is dead after epoch 2", "100 images", "lambda_val (it is 0.5)",
                           "lr (it is 0.3)", "warmup_epochs", "gate_init unit"}) {
    CAPTURE(part);
    CHECK(holds(log.warnings[0], part));
  }
}

TEST_CASE("where lambda_val is steered the target is what to change") {
  for (const std::string target : {"target_density", "target_macs"}) {
    CAPTURE(target);
    Options options;
    options.set(target, "0.2");
    options.set("lambda_val", "0.5");
    DeadLayers dead_layers(options);
    const LogCapture log;
    dead_layers.check(1, 100, layers({8}));
    REQUIRE(log.warnings.size() == 1);
    CHECK(holds(log.warnings[0], "a larger " + target + " (it is 0.2)"));
    CHECK_FALSE(holds(log.warnings[0], "lambda_val"));
  }
}

TEST_CASE("a run that goes on does not warn again of what was dead before") {
  const Options options;
  DeadLayers dead_layers(options);
  const LogCapture log;
  dead_layers.remember(layers({8, 0}));
  CHECK(log.warnings.empty());
  dead_layers.check(4, 100, layers({8, 8}));
  REQUIRE(log.warnings.size() == 1);
  CHECK(holds(log.warnings[0], "layer layer2 is dead after epoch 4"));
}

TEST_CASE("a dead layer is reported once unless it lived in between") {
  Options options;
  options.set("lambda_val", "0");
  DeadLayers dead_layers(options);
  const LogCapture log;
  dead_layers.check(1, 100, layers({8, 8}));
  dead_layers.check(2, 100, layers({8, 8}));
  REQUIRE(log.warnings.size() == 1);
  CHECK(holds(log.warnings[0], "layers layer1, layer2 are dead"));
  // What is not on is not to be turned down.
  CHECK_FALSE(holds(log.warnings[0], "lambda_val"));
  CHECK_FALSE(holds(log.warnings[0], "gate_init"));
  dead_layers.check(3, 100, layers({0, 8}));
  dead_layers.check(4, 100, layers({8, 8}));
  REQUIRE(log.warnings.size() == 2);
  CHECK(holds(log.warnings[1], "layer layer1 is dead after epoch 4"));
}
