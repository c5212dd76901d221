#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using nlohmann::json;

namespace {

std::vector<std::string> small_bench(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"bench",        "infer", "--width",  "0.125", "--image_size", "16",
                                        "--batch_size", "4",     "--rounds", "1",     "--threads",    "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

TEST_CASE("bench infer sets the engine beside LibTorch") {
  const TemporaryFolder folder;
  const json result = json::parse(
      require_success(folder.path(), small_bench({"--model", "resnet18_moe", "--density", "0.5", "--json"})));
  for (const char* key : {"engine_ms", "engine_dense_ms", "torch_dense_ms", "torch_masked_ms", "peak_gmacs",
                          "engine_share_of_peak", "images_per_second"}) {
    CAPTURE(key);
    CHECK(result.at(key).get<double>() > 0);
  }
  CHECK(result.at("batch_size") == 4);
  CHECK(result.at("threads") == 1);
  CHECK(result.at("image_size") == 16);
  CHECK(result.at("density") == 0.5);
  CHECK(result.at("model") == "resnet18_moe");
  CHECK(result.at("variant") == "cifar");
  CHECK(result.at("largest_difference") < 1e-4);
  CHECK(result.at("active_macs") < result.at("dense_macs"));
  CHECK(result.at("densities").size() == 5);
  REQUIRE_FALSE(result.at("layers").empty());
  const json& layer = result.at("layers").at(0);
  CHECK(layer.at("name") == "layer1.0.conv1");
  CHECK(layer.at("dense_macs") == 8 * 8 * 9 * 256);
  CHECK(layer.at("dense_microseconds").get<double>() > 0);
  CHECK(layer.at("microseconds").size() == 5);
  CHECK(layer.at("break_even_density") >= 0);
  CHECK(layer.at("break_even_density") <= 1);
}

TEST_CASE("bench infer takes weights and their own gates and prints a table") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--epochs", "1", "--out", "run"}));
  const std::string text =
      require_success(folder.path(), {"bench", "infer", "--weights", "run/best.safetensors", "--batch_size",
                                      "2", "--rounds", "1", "--threads", "1"});
  for (const char* part : {"resnet18_moe, 16 pixels, batch 2", "LibTorch, gates multiply",
                           "engine, without skipping", "layer4.1.conv2"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("bench infer leaves out what it is told to and what a dense network lacks") {
  const TemporaryFolder folder;
  const json brief = json::parse(
      require_success(folder.path(), small_bench({"--density", "0", "--engine_only", "--brief", "--json"})));
  CHECK(brief.contains("engine_ms"));
  for (const char* key : {"torch_dense_ms", "torch_masked_ms", "densities", "layers"}) {
    CAPTURE(key);
    CHECK_FALSE(brief.contains(key));
  }
  const json dense =
      json::parse(require_success(folder.path(), small_bench({"--model", "resnet18", "--json"})));
  CHECK(dense.at("active_macs") == dense.at("dense_macs"));
  CHECK_FALSE(dense.contains("layers"));
}

TEST_CASE("bench infer refuses what it cannot measure") {
  require_refusal(run(small_bench({"--model", "resnet18", "--density", "0.5"})), 2, "is dense");
  require_refusal(run(small_bench({"--density", "1.5"})), 2, "density");
  require_refusal(run(small_bench({"--precision", "fp16"})), 2, "precision");
  require_refusal(run({"bench", "infer", "--weights", "absent.safetensors"}), 1, "absent.safetensors");
}
