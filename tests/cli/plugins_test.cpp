#include <doctest/doctest.h>

#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "plugin/plugin_files.hpp"
#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using deepmoe::plugin_file;
using nlohmann::json;

namespace {

/// A training of the samples' network on the samples' stripes.
std::vector<std::string> plugin_training(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"train",
                                        "--plugin",
                                        plugin_file("sample_dataset"),
                                        "--plugin",
                                        plugin_file("sample_backbone"),
                                        "--dataset",
                                        "sample:stripes",
                                        "--model",
                                        "sample_backbone:tiny",
                                        "--batch_size",
                                        "32",
                                        "--epochs",
                                        "1",
                                        "--num_workers",
                                        "2",
                                        "--threads",
                                        "1",
                                        "--out",
                                        "run"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

TEST_CASE("plugins says what a file offers and whether it fits") {
  const TemporaryFolder folder;
  const std::string text = require_success(folder.path(), {"plugins", plugin_file("sample_dataset")});
  CHECK(text.find("--dataset sample:stripes") != std::string::npos);
  const json found =
      json::parse(require_success(folder.path(), {"plugins", plugin_file("first_version"), "--json"}));
  CHECK(found.at("version") == 1);
  require_refusal(run({"plugins", plugin_file("unusable_1")}), 1, plugin_file("unusable_1"));
  require_refusal(run({"plugins"}), 2, "needs a file");
}

TEST_CASE("a training takes data sets and backbones and metrics and observers of several plugins") {
  const TemporaryFolder folder;
  const std::vector<std::string> more = {
      "--plugin", plugin_file("sample_gate_metric") + "," + plugin_file("sample_observer")};
  const Result result = run(folder.path(), plugin_training(more));
  INFO(result.errors);
  REQUIRE(result.status == 0);
  CHECK(result.errors.find("the sample observer saw 1 epochs") != std::string::npos);
  const json row = json::parse(read_file(folder.path() / "run" / "metrics.jsonl"));
  CHECK(row.at("gate_metrics").at("sample_metric:active").size() == 1);
  // Weights describe their network, so that it needs no plugin, and name none.
  const std::vector<std::string> eval = {"eval",      "--weights",      "run/best.safetensors",
                                         "--dataset", "sample:stripes", "--json"};
  require_refusal(run(folder.path(), eval), 1, "no plugin 'sample' is loaded");
  std::vector<std::string> with_plugin = eval;
  with_plugin.insert(with_plugin.end(), {"--plugin", plugin_file("sample_dataset")});
  const json evaluation = json::parse(require_success(folder.path(), with_plugin));
  CHECK(evaluation.at("samples") == 150);
  CHECK(evaluation.at("accuracy") > 0.5);
  CHECK_FALSE(evaluation.contains("gate_metrics"));
  // The run's configuration does, since whoever takes it wants that run.
  require_success(folder.path(), {"train", "--config", "run/config.json", "--overwrite"});
}

TEST_CASE("an observer ends a run with everything saved") {
  const TemporaryFolder folder;
  write_file(folder / "STOP", "");
  const Result result = run(folder.path(), plugin_training({"--plugin", plugin_file("sample_observer")}));
  CHECK(result.status == 1);
  CHECK(result.errors.find("stopped, as observer 'watch' of " + plugin_file("sample_observer") + " asked") !=
        std::string::npos);
  CHECK(std::filesystem::exists(folder.path() / "run" / "last.safetensors"));
}

TEST_CASE("a plugin that fails in a run is an error that names its file and no crash") {
  const TemporaryFolder folder;
  const std::string faulty = plugin_file("faulty");
  for (const auto& [fault, reason] :
       {std::pair("observer create fails", "nothing to see"),
        std::pair("observer fails", "the observer's disk is full"),
        std::pair("observer throws", "the observer saw too much"),
        std::pair("metric create fails", "no such gates"),
        std::pair("metric fails", "a gate is not a number"), std::pair("metric throws", "too many gates"),
        std::pair("metric reads garbage", "is not JSON")}) {
    CAPTURE(fault);
    const Result result = run(folder.path(), plugin_training({"--plugin", faulty, "--overwrite"}),
                              {{"DEEPMOE_TEST_FAULT", fault}});
    CAPTURE(result.errors);
    CHECK(result.status == 1);
    CHECK(result.errors.find("deepmoe: error: " + faulty) != std::string::npos);
    CHECK(result.errors.find(reason) != std::string::npos);
  }
  for (const char* dataset : {"image_throws", "image_fails", "negative_size"}) {
    CAPTURE(dataset);
    const Result result =
        run(folder.path(), {"train", "--plugin", faulty, "--dataset", std::string("faulty:") + dataset,
                            "--width", "0.125", "--out", "run", "--overwrite", "--batch_size", "2"});
    CAPTURE(result.errors);
    CHECK(result.status == 1);
    CHECK(result.errors.find(faulty) != std::string::npos);
  }
}

TEST_CASE("a run that is resumed has its plugins again") {
  const TemporaryFolder folder;
  const std::vector<std::string> more = {"--plugin", plugin_file("sample_gate_metric"), "--plugin",
                                         plugin_file("sample_observer")};
  require_success(folder.path(), plugin_training(more));
  const Result result = run(folder.path(), {"train", "--resume", "run", "--epochs", "2"});
  INFO(result.errors);
  REQUIRE(result.status == 0);
  CHECK(result.errors.find("the sample observer saw 1 epochs") != std::string::npos);
  std::istringstream rows(read_file(folder.path() / "run" / "metrics.jsonl"));
  int count = 0;
  for (std::string row; std::getline(rows, row); ++count) {
    CHECK(json::parse(row).at("gate_metrics").contains("sample_metric:active"));
  }
  CHECK(count == 2);
}

TEST_CASE("a network of a plugin's backbone is used without the plugin") {
  const TemporaryFolder folder;
  require_success(folder.path(), plugin_training({}));
  const std::string weights = "run/best.safetensors";
  const std::vector<std::string> images = {"--dataset", "sample:stripes", "--plugin",
                                           plugin_file("sample_dataset")};
  const auto with_images = [&](std::vector<std::string> words) {
    words.insert(words.end(), images.begin(), images.end());
    return require_success(folder.path(), words);
  };
  const json dense = json::parse(with_images({"eval", "--weights", weights, "--json"}));
  const json engine = json::parse(with_images({"eval", "--weights", weights, "--engine", "--json"}));
  CHECK(engine.at("accuracy") == dense.at("accuracy"));
  with_images({"compact", "--weights", weights, "--out", "compact.safetensors"});
  const json compact =
      json::parse(with_images({"eval", "--weights", "compact.safetensors", "--engine", "--json"}));
  CHECK(compact.at("accuracy") == dense.at("accuracy"));
  require_success(folder.path(), {"export", "--weights", weights, "--onnx", "network.onnx"});
  CHECK(std::filesystem::file_size(folder.path() / "network.onnx") > 10000);
  CHECK(require_success(folder.path(), {"info", "--weights", weights}).find("sample_backbone:tiny") !=
        std::string::npos);
}

TEST_CASE("a report of a run with plugins gives a command that works as it stands") {
  const TemporaryFolder folder;
  require_success(folder.path(), plugin_training({"--report", "true"}));
  require_success(folder.path(),
                  {"analyze", "--weights", "run/best.safetensors", "--plugin", plugin_file("sample_dataset"),
                   "--dataset", "sample:stripes", "--out", "analysis"});
  const auto command_of = [&](const std::string& report) {
    return json::parse(read_file(folder / report)).at("compact_command").get<std::string>();
  };
  const std::string command = command_of("analysis/report.json");
  CHECK(command == "deepmoe compact --weights run/best.safetensors --dataset sample:stripes --plugin " +
                       plugin_file("sample_dataset") +
                       " --data_dir ./data --split test --out run/best-compact.safetensors");
  CHECK(command_of("run/report/report.json").find("--plugin " + plugin_file("sample_dataset") + ",") !=
        std::string::npos);
  std::istringstream parts(command.substr(std::string("deepmoe ").size()));
  require_success(folder.path(), {std::istream_iterator<std::string>(parts), {}});
}

TEST_CASE("an observer sees the images of a run's report and can end it") {
  const TemporaryFolder folder;
  const std::string faulty = plugin_file("faulty");
  const Result result = run(folder.path(), plugin_training({"--report", "true", "--plugin", faulty}),
                            {{"DEEPMOE_TEST_FAULT", "observer stops after the epoch"}});
  CHECK(result.status == 1);
  CHECK(result.errors.find("stopped, as observer 'watch' of " + faulty + " asked") != std::string::npos);
  CHECK(std::filesystem::exists(folder.path() / "run" / "last.safetensors"));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "run" / "report"));
}

TEST_CASE("the time of loading a plugin's images is measured") {
  const TemporaryFolder folder;
  const json found =
      json::parse(require_success(folder.path(), {"bench", "data", "--plugin", plugin_file("sample_dataset"),
                                                  "--dataset", "sample:stripes", "--passes", "1", "--json"}));
  CHECK(found.at("images") == 600);
}
