#include <doctest/doctest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using nlohmann::json;

namespace {

json info(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {"info", "--json"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const TemporaryFolder folder;
  return json::parse(require_success(folder.path(), words));
}

}  // namespace

TEST_CASE("parameters and MACs of dense networks are those of torchvision") {
  struct Known {
    const char* model;
    std::int64_t parameters, macs;
  };
  for (const Known& known : {Known{"resnet18", 11689512, 1814073344}, Known{"resnet34", 21797672, 3663761408},
                             Known{"resnet50", 25557032, 4089184256}, Known{"vgg16", 138357544, 15470264320},
                             Known{"vgg11_bn", 132868840, 7609090048}}) {
    CAPTURE(known.model);
    const json totals = info({known.model}).at("totals").at("all");
    CHECK(totals.at("parameters") == known.parameters);
    CHECK(totals.at("dense_macs") == known.macs);
  }
}

TEST_CASE("a gated network shows what gating costs") {
  const json gated = info({"resnet50_moe_a"});
  CHECK(gated.at("gated") == true);
  CHECK(gated.at("gates").size() == 32);
  CHECK(gated.at("totals").at("gating").at("parameters") > 0);
  CHECK(gated.at("totals").at("embedding").at("dense_macs") > 0);
}

TEST_CASE("flags shape the network that is shown") {
  CHECK(info({"--wide", "resnet18"}).at("totals") != info({"resnet18"}).at("totals"));
  CHECK(info({"resnet18", "--image_size", "32", "--num_classes", "10"}).at("num_classes") == 10);
  CHECK(info({"--model", "resnet18"}) == info({"resnet18"}));
}

TEST_CASE("the text shows layers and totals") {
  const TemporaryFolder folder;
  const std::string text = require_success(folder.path(), {"info", "resnet18_moe"});
  CHECK(text.find("layer4.1.conv2") != std::string::npos);
  CHECK(text.find("parameters") != std::string::npos);
}

TEST_CASE("an unknown network names the nearest one") {
  require_refusal(run({"info", "resnet18_mow"}), 2, "resnet18_moe");
  require_refusal(run({"info", "resnet18", "--model", "resnet34"}), 2, "named twice");
}
