#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// 3 epochs of many small steps, with all that has a state.
Words long_training(const std::string& out) {
  return small_training({"--epochs",
                         "3",
                         "--batch_size",
                         "4",
                         "--synthetic_train_size",
                         "400",
                         "--synthetic_test_size",
                         "24",
                         "--gradient_accumulation",
                         "3",
                         "--ema",
                         "0.9",
                         "--target_density",
                         "0.4",
                         "--mixup",
                         "0.2",
                         "--random_augment",
                         "1",
                         "--random_erasing",
                         "0.3",
                         "--patience",
                         "3",
                         "--keep_best",
                         "2",
                         "--tensorboard",
                         "--out",
                         out});
}

void check_same_results(const fs::path& run, const fs::path& expected) {
  CHECK(metrics_without_times(run / "metrics.csv") == metrics_without_times(expected / "metrics.csv"));
  for (const char* name : {"last.safetensors", "best.safetensors"}) {
    CAPTURE(name);
    CHECK(read_file(run / name) == read_file(expected / name));
  }
}

void interrupt(const fs::path& folder, const Words& words, const std::string& moment) {
  Process process(folder, words);
  REQUIRE(process.wait_for(moment));
  process.send(SIGINT);
  const Result result = process.finish();
  INFO(result.errors);
  REQUIRE(result.status == 130);
}

}  // namespace

TEST_CASE("a run that is killed again and again ends as one that is not") {
  const TemporaryFolder folder;
  require_success(folder.path(), long_training("whole"));

  // The seed makes a failure come again; where a process then stands is up to the machine.
  std::mt19937 random(5);
  const auto below = [&](unsigned count) { return static_cast<int>(random() % count); };
  const Words often = {"--print_every", "1", "--checkpoint_minutes", "1e-6"};
  for (int kill = 0; kill < 20; ++kill) {
    CAPTURE(kill);
    const Words words = with(kill == 0 ? long_training("run") : Words{"train", "--resume", "run"}, often);
    Process process(folder.path(), with(words, {"--num_workers", std::to_string(below(4))}));
    // Every third is killed at any moment of its start, the others after a few steps, in the middle of one,
    // or while a checkpoint is written.
    if (kill == 0 || kill % 3 != 0) {
      REQUIRE(process.wait_for("/3 step "));
      std::this_thread::sleep_for(std::chrono::microseconds(below(60000)));
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(below(600)));
    }
    process.send(SIGKILL);
    const Result result = process.finish();
    INFO(result.errors);
    REQUIRE(result.status == -SIGKILL);
  }
  const Result last = run(folder.path(), {"train", "--resume", "run"});
  INFO(last.errors);
  REQUIRE(last.status == 0);
  check_same_results(folder.path() / "run", folder.path() / "whole");
  // Nothing is left of what the killed processes were writing.
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder.path() / "run")) {
    CHECK(entry.path().extension() != ".tmp");
  }
}

TEST_CASE("a run goes on after an interrupt and says so") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--out", "whole"}));
  interrupt(folder.path(), small_training({"--out", "run", "--print_every", "1"}), "epoch 1/2 step 2/");
  const Result rest = run(folder.path(), {"train", "--resume", "run/", "--num_workers", "0", "--json"});
  INFO(rest.errors);
  REQUIRE(rest.status == 0);
  CHECK(rest.errors.find("going on after epoch 0") != std::string::npos);
  CHECK(json::parse(rest.output).at("files").at("best") == "run/best.safetensors");
  check_same_results(folder.path() / "run", folder.path() / "whole");
  // The configuration does not say to go on, so that it still begins a run anew.
  CHECK(json::parse(read_file(folder.path() / "run/config.json")).at("resume") == "");

  // By the environment, from a checkpoint that was kept.
  require_success(folder.path(), small_training({"--out", "kept", "--checkpoint_epochs", "1"}));
  require_success(folder.path(), {"train"}, {{"DEEPMOE_RESUME", "kept/checkpoints/epoch-0001.safetensors"}});
  check_same_results(folder.path() / "kept", folder.path() / "whole");
  require_success(folder.path(), {"eval", "--weights", "kept/checkpoints/epoch-0001.safetensors",
                                  "--synthetic_test_size", "48"});
}

TEST_CASE("a run that began with weights goes on without them") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--out", "first", "--epochs", "1"}));
  interrupt(folder.path(),
            small_training({"--out", "run", "--print_every", "1", "--weights", "first/last.safetensors"}),
            "epoch 1/2 step 2/");
  fs::remove_all(folder.path() / "first");
  require_success(folder.path(), {"train", "--resume", "run"});
  CHECK(json::parse(read_file(folder.path() / "run/config.json")).at("weights") == "first/last.safetensors");
}

TEST_CASE("what cannot go on is refused before anything is changed") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--out", "run", "--epochs", "1"}));
  const auto refused = [&](const Words& more, const std::string& text, const Environment& environment = {}) {
    require_refusal(run(folder.path(), with({"train", "--resume", "run"}, more), environment), 2, text);
  };
  const std::string config = read_file(folder.path() / "run/config.json");
  refused({"--lr", "0.5"}, "option 'lr' is 0.5");
  refused({}, "option 'seed' is 9", {{"DEEPMOE_SEED", "9"}});
  refused({"--width", "0.25"}, "width");
  refused({"--out", "other"}, "--out");
  refused({"--config", "run/config.json"}, "--config");
  refused({"--overwrite"}, "--overwrite");
  CHECK(read_file(folder.path() / "run/config.json") == config);
  CHECK_FALSE(fs::exists(folder.path() / "other"));

  require_refusal(run(folder.path(), {"train", "--resume", "nowhere"}), 2, "nowhere");
  fs::resize_file(folder.path() / "run/checkpoints/last.safetensors", 1000);
  require_refusal(run(folder.path(), {"train", "--resume", "run"}), 1, "run/checkpoints/last.safetensors");
  fs::remove(folder.path() / "run/checkpoints/last.safetensors");
  refused({}, "run/checkpoints/last.safetensors");
}

TEST_CASE("a run that is replaced leaves no checkpoint behind") {
  const TemporaryFolder folder;
  require_success(folder.path(),
                  small_training({"--out", "run", "--checkpoint_epochs", "1", "--keep_best", "2"}));
  CHECK(fs::exists(folder.path() / "run/best/epoch-0001.safetensors"));
  write_file(folder / "run/checkpoints/notes.txt", "mine");
  require_success(folder.path(), small_training({"--out", "run", "--epochs", "1", "--overwrite"}));
  CHECK_FALSE(fs::exists(folder.path() / "run/checkpoints/epoch-0001.safetensors"));
  CHECK_FALSE(fs::exists(folder.path() / "run/best"));
  CHECK(read_file(folder.path() / "run/checkpoints/notes.txt") == "mine");
}
