#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/free_port.hpp"
#include "deepmoe.hpp"
#include "plugin/plugin_files.hpp"
#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using deepmoe::free_port;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

/// What torchrun would set.
Environment place(int rank, std::int64_t port) {
  return {{"RANK", std::to_string(rank)},
          {"WORLD_SIZE", "2"},
          {"LOCAL_RANK", std::to_string(rank)},
          {"MASTER_ADDR", "127.0.0.1"},
          {"MASTER_PORT", std::to_string(port)}};
}

/// Two processes of one run, side by side.
struct Pair {
  Pair(const fs::path& folder, const Words& words, std::int64_t port = free_port())
      : first(folder, words, place(0, port)), second(folder, words, place(1, port)) {}
  Process first, second;
};

/// Runs two processes to their end, which is a good one; returns the output of the first.
std::string require_pair(const fs::path& folder, const Words& words) {
  Pair pair(folder, words);
  const Result second = pair.second.finish(), first = pair.first.finish();
  INFO(first.errors, second.errors);
  REQUIRE(first.status == 0);
  REQUIRE(second.status == 0);
  // One process shows what both do.
  CHECK(second.output.empty());
  CHECK(second.errors.find("loss") == std::string::npos);
  return first.output;
}

/// The largest difference between the weights of two files, as a share of the largest weight of each tensor
/// or of 0.1 (biases before a batch norm are all rounding).
double largest_difference(const fs::path& one, const fs::path& other) {
  const dmoe::Tensors a = dmoe::Tensors::load(one.string()), b = dmoe::Tensors::load(other.string());
  REQUIRE(a.names() == b.names());
  double difference = 0.0;
  for (const std::string& name : a.names()) {
    if (name.find("num_batches_tracked") != std::string::npos) continue;
    const std::vector<float> x = a.read(name), y = b.read(name);
    double largest = 0.1;
    for (const float value : x) largest = std::max(largest, std::abs(static_cast<double>(value)));
    for (std::size_t i = 0; i < x.size(); ++i) {
      difference =
          std::max(difference, std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])) / largest);
    }
  }
  return difference;
}

Words training(const Words& more) {
  Words words = small_training({"--synthetic_train_size", "256", "--lr", "0.02", "--warmup_epochs", "0"});
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// Two processes with batches of 32 against one with batches of 64.
void check_pair_follows_one(const Words& more, double weight_tolerance) {
  const TemporaryFolder folder;
  Words one = training({"--out", "one", "--batch_size", "64", "--json"}),
        two = training({"--out", "two", "--batch_size", "32", "--json"});
  one.insert(one.end(), more.begin(), more.end());
  two.insert(two.end(), more.begin(), more.end());
  const json alone = json::parse(require_success(folder.path(), one));
  const json together = json::parse(require_pair(folder.path(), two));
  for (const char* name : {"train_loss", "loss", "accuracy", "density", "active_macs"}) {
    CAPTURE(name);
    CHECK(together.at(name).get<double>() == doctest::Approx(alone.at(name).get<double>()).epsilon(1e-5));
  }
  CHECK(together.at("layers").size() == alone.at("layers").size());
  CHECK(largest_difference(folder.path() / "one/last.safetensors", folder.path() / "two/last.safetensors") <
        weight_tolerance);
}

}  // namespace

TEST_CASE("two processes train as one with batches twice as large does") {
  // Without batch norm, whose statistics are each process's own.
  check_pair_follows_one({"--model", "vgg11_moe", "--image_size", "32", "--embedding_norm", "none",
                          "--target_density", "0.5", "--gradient_accumulation", "2"},
                         1e-5);
}

TEST_CASE("synchronised batch norm makes two processes train as one") {
  // Batch norm over few pixels magnifies differences in rounding from step to step, a large learning rate
  // even more.
  check_pair_follows_one(
      {"--sync_batch_norm", "true", "--epochs", "1", "--freeze_epochs", "0", "--lr", "0.0005"}, 1e-3);
}

TEST_CASE("two processes with batch norm agree on one network and the frozen embedding") {
  const TemporaryFolder folder;
  const json summary = json::parse(require_pair(
      folder.path(),
      training({"--out", "run", "--freeze_epochs", "1", "--ema", "0.9", "--json", "--patience", "5"})));
  CHECK(summary.at("files").at("best") == "run/best.safetensors");
  CHECK(fs::exists(folder.path() / "run/metrics.csv"));
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
  // What was measured in shards is what one process measures.
  const json evaluated = json::parse(require_success(
      folder.path(), {"eval", "--weights", "run/best.safetensors", "--synthetic_test_size", "48", "--json"}));
  CHECK(evaluated.at("accuracy").get<double>() == doctest::Approx(summary.at("accuracy").get<double>()));
  CHECK(evaluated.at("density").get<double>() == doctest::Approx(summary.at("density").get<double>()));
}

TEST_CASE("a lost process ends the other with a message and the run goes on") {
  const TemporaryFolder folder;
  const Words words = training({"--out", "run", "--epochs", "20", "--print_every", "1",
                                "--checkpoint_minutes", "1e-6", "--distributed_timeout", "20"});
  {
    Pair pair(folder.path(), words);
    REQUIRE(pair.first.wait_for("epoch 1/20 step 3"));
    pair.second.send(SIGKILL);
    CHECK(pair.second.finish().status == -SIGKILL);
    const Result first = pair.first.finish();
    INFO(first.errors);
    CHECK(first.status == 1);
    CHECK(first.errors.find("another process of the run is gone") != std::string::npos);
    CHECK(first.errors.find("resume") != std::string::npos);
  }
  require_refusal(run(folder.path(), {"train", "--resume", "run", "--epochs", "2"}), 2,
                  "one of 2 process(es)");
  require_pair(folder.path(), {"train", "--resume", "run", "--epochs", "2"});
  CHECK(metrics_without_times(folder.path() / "run/metrics.csv").size() == 3);
}

TEST_CASE("an interrupt of one process ends all of them and keeps the run") {
  const TemporaryFolder folder;
  {
    Pair pair(folder.path(), training({"--out", "run", "--epochs", "20", "--print_every", "1"}));
    REQUIRE(pair.first.wait_for("epoch 1/20 step 2"));
    pair.second.send(SIGINT);
    CHECK(pair.first.finish().status == 130);
    CHECK(pair.second.finish().status == 130);
  }
  require_pair(folder.path(), {"train", "--resume", "run", "--epochs", "2"});
}

TEST_CASE("a plugin that fails in one of two processes ends both of them") {
  const TemporaryFolder folder;
  const std::string faulty = deepmoe::plugin_file("faulty");
  for (const auto& [fault, reason] : {std::pair("observer fails", "the observer's disk is full"),
                                      std::pair("metric fails", "a gate is not a number")}) {
    CAPTURE(fault);
    const Words words =
        training({"--out", "run", "--overwrite", "--plugin", faulty, "--distributed_timeout", "20"});
    const std::int64_t port = free_port();
    Environment second_place = place(1, port);
    second_place["DEEPMOE_TEST_FAULT"] = fault;
    Process first(folder.path(), words, place(0, port)), second(folder.path(), words, second_place);
    const Result failed = second.finish(), other = first.finish();
    INFO(failed.errors, other.errors);
    CHECK(failed.status == 1);
    CHECK(failed.errors.find("deepmoe: error: " + faulty) != std::string::npos);
    CHECK(failed.errors.find(reason) != std::string::npos);
    CHECK(other.status == 1);
  }
  require_pair(folder.path(), training({"--out", "run", "--overwrite", "--plugin", faulty}));
  const std::string rows = read_file(folder.path() / "run/metrics.jsonl");
  CHECK(json::parse(rows.substr(0, rows.find('\n'))).at("gate_metrics").at("faulty:half") == 0.5);
}

TEST_CASE("processes that do not fit together are refused in words") {
  const TemporaryFolder folder;
  const std::int64_t port = free_port();
  Process first(folder.path(), training({"--lr", "0.1"}), place(0, port));
  Process second(folder.path(), training({"--lr", "0.2"}), place(1, port));
  const Result refused = first.finish();
  second.finish();
  CHECK(refused.status == 1);
  CHECK(refused.errors.find("process 1 of the run has other options than process 0") != std::string::npos);
  require_refusal(
      run(folder.path(), training({}), {{"WORLD_SIZE", "2"}, {"RANK", "2"}, {"MASTER_ADDR", "127.0.0.1"}}), 2,
      "RANK is '2'");
  Environment lonely = place(0, free_port());
  const Result waited = run(folder.path(), training({"--distributed_timeout", "1"}), lonely);
  CHECK(waited.status == 1);
  CHECK(waited.errors.find("did not come together within 1 seconds at 127.0.0.1") != std::string::npos);
  require_success(folder.path(), training({"--distributed", "off", "--epochs", "1"}), lonely);
}
