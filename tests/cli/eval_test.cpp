#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using nlohmann::json;

TEST_CASE("eval by the engine gives the figures of the model") {
  const TemporaryFolder folder;
  for (const char* model : {"resnet18_moe", "resnet18"}) {
    CAPTURE(model);
    require_success(folder.path(), small_training({"--out", model, "--model", model, "--epochs", "1"}));
    const auto evaluate = [&](const std::vector<std::string>& more) {
      std::vector<std::string> words = {"eval",
                                        "--weights",
                                        std::string(model) + "/best.safetensors",
                                        "--json",
                                        "--synthetic_test_size",
                                        "48",
                                        "--threads",
                                        "1"};
      words.insert(words.end(), more.begin(), more.end());
      return json::parse(require_success(folder.path(), words));
    };
    const json expected = evaluate({}), ours = evaluate({"--engine"});
    CHECK(ours.at("samples") == 48);
    CHECK(ours.at("layers").size() == expected.at("layers").size());
    for (const char* figure : {"samples", "accuracy", "top5_accuracy", "loss", "density", "dense_macs",
                               "active_macs", "parameters"}) {
      CAPTURE(figure);
      CHECK(ours.at(figure).get<double>() ==
            doctest::Approx(expected.at(figure).get<double>()).epsilon(1e-3));
    }
  }
  const std::vector<std::string> words = {
      "eval",        "--weights", "resnet18_moe/best.safetensors", "--json",
      "--precision", "bf16",      "--synthetic_test_size",         "48"};
  require_refusal(run(folder.path(), words), 2, "--engine");
  std::vector<std::string> by_engine = words;
  by_engine.push_back("--engine");
  CHECK(json::parse(require_success(folder.path(), by_engine)).at("samples") == 48);
  by_engine.insert(by_engine.end(), {"--amp", "bf16"});
  require_refusal(run(folder.path(), by_engine), 2, "--amp");
  const std::string table = require_success(
      folder.path(),
      {"eval", "--engine", "--weights", "resnet18_moe/best.safetensors", "--synthetic_test_size", "48"});
  CHECK(table.find("active MACs") != std::string::npos);
}
