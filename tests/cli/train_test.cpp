#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using nlohmann::json;
namespace fs = std::filesystem;

TEST_CASE("a training leaves its folder and eval finds the same accuracy") {
  const TemporaryFolder folder;
  const Result training = run(folder.path(), small_training({"--out", "run", "--seed", "3"}));
  INFO(training.errors);
  REQUIRE(training.status == 0);
  for (const char* name : {"config.json", "metrics.csv", "metrics.jsonl", "best.safetensors",
                           "last.safetensors", "summary.json"}) {
    CAPTURE(name);
    CHECK(fs::exists(folder.path() / "run" / name));
  }
  for (const char* part : {"accuracy", "density", "active MACs", "dense MACs", "time per epoch", "parameters",
                           "images per second", "layer4.1", "####", "run/best.safetensors"}) {
    CAPTURE(part);
    CHECK(training.output.find(part) != std::string::npos);
  }
  // Not a terminal: plain lines.
  CHECK(training.errors.find("epoch 1/2 step 2/6") != std::string::npos);
  CHECK(training.errors.find("epoch 2/2 done") != std::string::npos);
  CHECK(training.errors.find(" of 480 experts") != std::string::npos);
  // The last line sums it up.
  const std::string last =
      training.output.substr(training.output.rfind('\n', training.output.size() - 2) + 1);
  for (const char* part : {"trained 2 epochs in ", "accuracy ", " in epoch ", "run/best.safetensors"}) {
    CAPTURE(part);
    CHECK(last.find(part) != std::string::npos);
  }
  CHECK(training.errors.find('\r') == std::string::npos);
  CHECK(training.errors.find('\x1b') == std::string::npos);

  const json summary = json::parse(read_file(folder.path() / "run" / "summary.json"));
  // The seed and the sizes that shape the images come from the file of weights.
  const std::vector<std::string> eval = {"eval", "--weights", "run/best.safetensors", "--synthetic_test_size",
                                         "48"};
  std::vector<std::string> eval_json = eval;
  eval_json.push_back("--json");
  const json evaluation = json::parse(require_success(folder.path(), eval_json));
  CHECK(evaluation.at("accuracy") == summary.at("accuracy"));
  CHECK(evaluation.at("loss").get<double>() == doctest::Approx(summary.at("loss").get<double>()));
  CHECK(evaluation.at("samples") == 48);
  CHECK(require_success(folder.path(), eval).find("accuracy") != std::string::npos);

  std::vector<std::string> on_training = eval_json;
  on_training.insert(on_training.end(), {"--split", "train", "--synthetic_train_size", "96"});
  CHECK(json::parse(require_success(folder.path(), on_training)).at("samples") == 96);
}

TEST_CASE("a training takes every flag of the Python code's optimizers and schedule") {
  const TemporaryFolder folder;
  std::istringstream words(
      "--recipe seed --dataset synthetic --num_classes 4 --variant cifar --out run --optimizer adamax "
      "--lr 0.002 --milestones 1 2 --gamma 0.5 --epochs 3 --freeze_epochs 1 --early_stop_metric val_loss "
      "--patience 3 --momentum 0.8 --weight_decay 1e-4 --eps 1e-7 --betas 0.8 0.99 --alpha 0.95 "
      "--lr_decay 0.01 --rho 0.85 --lambda_val 0.02 --mu 0.5 --gradient_accumulation 2 --print_every 2 "
      "--wide false --embedding_dim 24");
  const std::vector<std::string> flags(std::istream_iterator<std::string>(words), {});
  require_success(folder.path(), small_training(flags));
  const json configuration = json::parse(read_file(folder.path() / "run" / "config.json"));
  CHECK(configuration.at("optimizer") == "adamax");
  CHECK(configuration.at("milestones") == json::array({1, 2}));
  CHECK(configuration.at("betas") == json::array({0.8, 0.99}));
  CHECK(configuration.at("rho") == 0.85);
  CHECK(configuration.at("patience") == 3);
  // The second column of metrics.csv is the learning rate at the epoch's begin.
  const std::vector<std::string> rows = metrics_without_times(folder.path() / "run" / "metrics.csv");
  REQUIRE(rows.size() == 4);
  for (const auto& [epoch, rate] : {std::pair(1, 0.002), std::pair(2, 0.001), std::pair(3, 0.0005)}) {
    const std::string& row = rows[static_cast<std::size_t>(epoch)];
    CHECK(std::stod(row.substr(row.find(',') + 1)) == doctest::Approx(rate));
  }
}

TEST_CASE("a configuration repeats its run into a numbered folder") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--out", "run"}));
  const json summary =
      json::parse(require_success(folder.path(), {"train", "--config", "run/config.json", "--json"}));
  CHECK(summary.at("files").at("best") == "run-2/best.safetensors");
  const std::vector<std::string> first = metrics_without_times(folder.path() / "run" / "metrics.csv");
  CHECK(first.size() == 3);
  CHECK(first == metrics_without_times(folder.path() / "run-2" / "metrics.csv"));
}

TEST_CASE("a folder that holds a run is refused unless it may be replaced") {
  const TemporaryFolder folder;
  const std::vector<std::string> flags = small_training({"--epochs", "1", "--out", "run"});
  require_success(folder.path(), flags);
  const std::string before = read_file(folder.path() / "run" / "metrics.csv");
  write_file(folder / "run/notes.txt", "mine");
  require_refusal(run(folder.path(), flags), 2, "already holds a run");
  require_refusal(run(folder.path(), small_training(), {{"DEEPMOE_OUT", "run"}}), 2, "already holds a run");
  CHECK(read_file(folder.path() / "run" / "metrics.csv") == before);

  std::vector<std::string> replacing = flags;
  replacing.insert(replacing.end(), {"--overwrite", "--seed", "1"});
  require_success(folder.path(), replacing);
  CHECK(read_file(folder.path() / "run" / "metrics.csv") != before);
  CHECK(read_file(folder.path() / "run" / "notes.txt") == "mine");
}

TEST_CASE("without out runs are numbered below the folder runs") {
  const TemporaryFolder folder;
  for (int i = 0; i < 2; ++i) require_success(folder.path(), small_training({"--epochs", "1"}));
  CHECK(fs::exists(folder.path() / "runs" / "resnet18_moe-synthetic" / "best.safetensors"));
  CHECK(fs::exists(folder.path() / "runs" / "resnet18_moe-synthetic-2" / "best.safetensors"));
}

TEST_CASE("an interrupt ends after the step with everything saved") {
  const TemporaryFolder folder;
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string out = "run" + std::to_string(signal);
    Process process(folder.path(), small_training({"--epochs", "1000", "--out", out}));
    REQUIRE(process.wait_for("epoch 1/1000 step 2/"));
    process.send(signal);
    const Result result = process.finish();
    CHECK(result.status == 130);
    CHECK(result.errors.find(out + "/last.safetensors") != std::string::npos);
    CHECK(fs::exists(folder.path() / out / "config.json"));
    CHECK(json::parse(read_file(folder.path() / out / "summary.json")).at("interrupted") == true);
    const json evaluation =
        json::parse(require_success(folder.path(), {"eval", "--weights", out + "/last.safetensors",
                                                    "--synthetic_test_size", "16", "--json"}));
    CHECK(evaluation.at("samples") == 16);
  }
}

TEST_CASE("a training that cannot start leaves no folder behind") {
  const TemporaryFolder folder;
  require_refusal(
      run(folder.path(), {"train", "--dataset", "folder", "--data_dir", "nowhere", "--out", "run"}), 1,
      "nowhere");
  require_refusal(run(folder.path(), {"train", "--model", "resnet19"}), 2, "resnet18");
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("a training keeps a budget of MACs whatever the size of its images") {
  const TemporaryFolder folder;
  require_success(folder.path(), {"train", "--dataset", "synthetic", "--synthetic_train_size", "64",
                                  "--synthetic_test_size", "32", "--model", "resnet18_moe", "--width", "0.25",
                                  "--epochs", "2", "--target_macs", "0.5", "--out", "run"});
  const json summary = json::parse(read_file(folder.path() / "run" / "summary.json"));
  const double share = summary.at("active_macs").get<double>() / summary.at("dense_macs").get<double>();
  CHECK(share <= 0.5);
  CHECK(share > 0.48);
  require_refusal(
      run(folder.path(), {"train", "--dataset", "synthetic", "--target_macs", "0.01", "--out", "other"}), 1,
      "choose a larger one");
  CHECK_FALSE(fs::exists(folder.path() / "other"));
}

TEST_CASE("a dry run says what a run would do and leaves nothing behind") {
  const TemporaryFolder folder;
  const std::vector<std::string> flags = small_training({"--epochs", "7", "--dry_run"});
  const Result result = run(folder.path(), flags);
  INFO(result.errors);
  REQUIRE(result.status == 0);
  for (const char* part :
       {"resnet18_moe on cpu", "7 epochs of 6 steps", "96 for training, 48 for validation",
        "runs/resnet18_moe-synthetic", "metrics.jsonl", "best.safetensors", "nothing of it was kept"}) {
    CAPTURE(part);
    CHECK(result.output.find(part) != std::string::npos);
  }
  CHECK(fs::is_empty(folder.path()));

  require_success(folder.path(), small_training({"--epochs", "1", "--out", "run"}));
  const std::string before = read_file(folder.path() / "run" / "metrics.csv");
  require_refusal(run(folder.path(), small_training({"--dry_run", "--out", "run"})), 2,
                  "already holds a run");
  const json plan = json::parse(
      require_success(folder.path(), small_training({"--dry_run", "--out", "run", "--overwrite", "--json"})));
  CHECK(plan.at("dry_run") == true);
  CHECK(plan.at("out") == "run");
  CHECK(read_file(folder.path() / "run" / "metrics.csv") == before);
}

TEST_CASE("a run that is replaced leaves no records of its own") {
  const TemporaryFolder folder;
  const std::vector<std::string> flags = small_training({"--epochs", "1", "--out", "run", "--overwrite"});
  for (const char* tensorboard : {"--tensorboard=true", "--tensorboard=true", "--tensorboard=false"}) {
    std::vector<std::string> again = flags;
    again.push_back(tensorboard);
    require_success(folder.path(), again);
    int event_files = 0;
    for (const auto& entry : fs::directory_iterator(folder.path() / "run")) {
      event_files += entry.path().filename().string().rfind("events.out.tfevents.", 0) == 0 ? 1 : 0;
    }
    CHECK(event_files == (std::string(tensorboard) == "--tensorboard=true" ? 1 : 0));
  }
}

TEST_CASE("a file that cannot be written whole ends the training with its name") {
  const TemporaryFolder folder;
  Result result;
  {
    // Smaller than the weights, larger than the other files. The process must outlive the signal that this
    // sends.
    rlimit old = {};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &old) == 0);
    rlimit limit = old;
    limit.rlim_cur = 100000;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    Process process(folder.path(), small_training({"--out", "run"}));
    setrlimit(RLIMIT_FSIZE, &old);
    result = process.finish();
  }
  INFO(result.errors);
  CHECK(result.status == 1);
  CHECK(result.output.empty());
  CHECK(result.errors.find("deepmoe: error: can't write 'run/checkpoints/last.safetensors'") !=
        std::string::npos);
  CHECK(metrics_without_times(folder.path() / "run" / "metrics.csv").size() == 1);
  CHECK_FALSE(fs::exists(folder.path() / "run" / "checkpoints" / "last.safetensors"));
  CHECK(json::parse(read_file(folder.path() / "run" / "config.json")).at("epochs") == 2);
}

TEST_CASE("a file in the place of the folder is refused in words") {
  const TemporaryFolder folder;
  write_file(folder / "taken", "");
  require_refusal(run(folder.path(), small_training({"--out", "taken"})), 1, "taken");
}
