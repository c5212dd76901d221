#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("analyze writes a report and prints its summary in 80 columns") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--out", "run"}));
  const std::string text =
      require_success(folder.path(), on_small_images({"analyze", "--weights", "run/best.safetensors"},
                                                     {"--out", "report", "--thresholds", "0,0.5"}));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    // A command is best copied as one line.
    if (line.rfind("deepmoe compact", 0) != 0) CHECK(line.size() <= 80);
  }
  for (const char* part : {"accuracy", "saved", "dead", "effective", "threshold", "report.json"}) {
    CAPTURE(part);
    CHECK(contains(text, part));
  }
  const json report = json::parse(read_file(folder / "report/report.json"));
  CHECK(report.at("samples") == 48);
  CHECK(report.at("thresholds").size() == 2);
  CHECK(contains(read_file(folder / "report/confusion.csv"), "\r\n"));
  CHECK(report.at("run").size() == 2);  // The curves of the run beside the weights.
  const std::string page = read_file(folder / "report/report.html");
  CHECK(contains(page, "id=\"run\""));
}

TEST_CASE("the command that a report gives for removing dead experts works as it stands") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--out", "a run"}));
  require_success(folder.path(),
                  on_small_images({"analyze", "--weights", "a run/best.safetensors"}, {"--out", "report"}));
  const std::string command = json::parse(read_file(folder / "report/report.json")).at("compact_command");
  CHECK(command ==
        "deepmoe compact --weights 'a run/best.safetensors' --dataset synthetic --synthetic_test_size 48 "
        "--split test "
        "--out 'a run/best-compact.safetensors'");
  require_success(folder.path(), {"compact", "--weights", "a run/best.safetensors", "--dataset", "synthetic",
                                  "--synthetic_test_size", "48", "--split", "test", "--out",
                                  "a run/best-compact.safetensors"});
  CHECK(std::filesystem::exists(folder / "a run/best-compact.safetensors"));
}

TEST_CASE("analyze compares two states of a network and refuses two networks") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--out", "run"}));
  const std::string text = require_success(
      folder.path(), on_small_images({"analyze", "--weights", "run/last.safetensors"},
                                     {"--compare", "run/best.safetensors", "--out", "report"}));
  CHECK(contains(text, "Drift from run/best.safetensors"));
  const json drift = json::parse(read_file(folder / "report/report.json")).at("drift");
  CHECK(drift.at("reference") == "run/best.safetensors");
  CHECK(drift.at("layers").size() == 16);
  CHECK(drift.at("parameters").size() > 50);
  CHECK(contains(read_file(folder / "report/drift_layers.csv"), "mean_change"));
  CHECK(contains(read_file(folder / "report/report.html"), "id=\"drift\""));

  std::vector<std::string> wider = small_training({"--out", "wider", "--epochs", "1"});
  wider[4] = "0.25";
  require_success(folder.path(), wider);
  const Result refused =
      run(folder.path(), on_small_images({"analyze", "--weights", "run/last.safetensors"},
                                         {"--compare", "wider/best.safetensors", "--text"}));
  CHECK(refused.status == 1);
  CHECK(contains(refused.errors, "can't be compared: the number of experts"));
}

TEST_CASE("a training writes its report at the end and a dense one is refused before it begins") {
  const TemporaryFolder folder;
  const std::string text = require_success(folder.path(), small_training({"--out", "run", "--report"}));
  CHECK(contains(text, "run/report/report.html"));
  CHECK(json::parse(read_file(folder / "run/report/report.json")).at("samples") == 48);
  // The next run in the folder leaves nothing of the old report.
  require_success(folder.path(), small_training({"--out", "run", "--overwrite"}));
  CHECK_FALSE(std::filesystem::exists(folder / "run/report"));

  std::vector<std::string> dense = small_training({"--out", "dense", "--report"});
  dense[2] = "resnet18";
  const Result refused = run(folder.path(), dense);
  CHECK(refused.status == 1);
  CHECK(contains(refused.errors, "option report tells what the experts do, and network resnet18 is dense"));
  CHECK_FALSE(std::filesystem::exists(folder / "dense"));
}

TEST_CASE("a file of another kind beside the weights leaves the curves out and nothing else") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--out", "run"}));
  std::ofstream(folder / "run/metrics.csv") << "name,place\nAda,London\n";
  const std::string text = require_success(
      folder.path(), on_small_images({"analyze", "--weights", "run/best.safetensors"}, {"--text"}));
  CHECK(contains(text, "Note: the curves of the training are left out:"));
  CHECK(contains(text, "'Ada' is not a number"));
  CHECK(contains(text, "accuracy"));
}

TEST_CASE("analyze with text alone writes nothing") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--out", "run"}));
  const std::string text = require_success(
      folder.path(), on_small_images({"analyze", "--weights", "run/best.safetensors"}, {"--text"}));
  CHECK(contains(text, "accuracy"));
  CHECK_FALSE(std::filesystem::exists(folder / "report.json"));
}

TEST_CASE("analyze refuses what it can't do in words") {
  const TemporaryFolder folder;
  require_refusal(run(folder.path(), {"analyze", "--weights", "none.safetensors"}), 2, "--out is missing");
  std::vector<std::string> training = small_training({"--out", "dense"});
  training[2] = "resnet18";
  require_success(folder.path(), training);
  const Result dense =
      run(folder.path(), on_small_images({"analyze", "--weights", "dense/best.safetensors"}, {"--text"}));
  CHECK(dense.status != 0);
  CHECK(contains(dense.errors, "dense"));
}
