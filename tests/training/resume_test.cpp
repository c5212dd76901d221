// Runs that go on: fit with option `resume`, and after Trainer::load_state.

#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/small_disk.hpp"
#include "storage/storage.hpp"
#include "training/event_records.hpp"
#include "training/random_dataset.hpp"
#include "training/training.hpp"

using namespace deepmoe;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

/// A run of 3 epochs with 4 steps each, the last with fewer images.
Options run_options(const std::string& out, const Settings& more = {}) {
  Options options;
  for (const auto& [name, value] : Settings{{"model", "resnet18_moe"},
                                            {"width", "0.125"},
                                            {"embedding_dim", "16"},
                                            {"num_classes", "4"},
                                            {"image_size", "16"},
                                            {"device", "cpu"},
                                            {"epochs", "3"},
                                            {"batch_size", "8"},
                                            {"lr", "0.02"},
                                            {"gradient_accumulation", "3"},
                                            {"keep_best", "2"},
                                            {"num_workers", "1"}}) {
    options.set(name, value);
  }
  options.set("out", out);
  for (const auto& [name, value] : more) options.set(name, value);
  return options;
}

json fit(const Options& options, const EventCallback& callback = {}, std::int64_t train_size = 28,
         std::int64_t test_size = 12) {
  Trainer trainer(Model::create(options), options);
  return trainer.fit(test::small_dataset("train", train_size), test::small_dataset("test", test_size),
                     callback);
}

/// Ends a run at the n-th event of this kind.
void interrupt(const Options& options, Event event, int n) {
  try {
    fit(options, [&](Event reported, const json&) { return reported == event && --n == 0 ? 1 : 0; });
  } catch (const Cancelled&) {
    return;
  }
  FAIL("the run came to its end");
}

/// The rows of metrics.csv without their last two columns, which are times.
std::vector<std::string> metrics_of(const std::string& folder) {
  std::istringstream file(read_file(folder + "/metrics.csv"));
  std::vector<std::string> rows;
  for (std::string row; std::getline(file, row);) {
    row = row.substr(0, row.rfind(','));
    rows.push_back(row.substr(0, row.rfind(',')));
  }
  return rows;
}

std::set<std::string> names_in(const std::string& folder) {
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

std::vector<std::string> event_files_in(const std::string& folder) {
  std::vector<std::string> files;
  for (const std::string& name : names_in(folder)) {
    if (name.starts_with(event_file_prefix)) files.push_back(folder + "/" + name);
  }
  return files;
}

void check_same_results(const std::string& folder, const std::string& expected) {
  CHECK(metrics_of(folder) == metrics_of(expected));
  for (const char* name : {"/last.safetensors", "/best.safetensors"}) {
    CAPTURE(name);
    CHECK(read_file(folder + name) == read_file(expected + name));
  }
  REQUIRE(names_in(folder + "/best") == names_in(expected + "/best"));
  for (const std::string& name : names_in(folder + "/best")) {
    CAPTURE(name);
    CHECK(read_file(folder + "/best/" + name) == read_file(expected + "/best/" + name));
  }
}

}  // namespace

TEST_CASE("a run that was interrupted anywhere ends as one that was not") {
  const TemporaryFolder folder;
  const std::string whole = folder.file("whole"), out = folder.file("run");
  const json expected = fit(run_options(whole));
  CHECK(names_in(whole + "/best").size() == 2);
  int number = 0;
  for (const auto& [event, n] : std::vector<std::pair<Event, int>>{{Event::start, 1},
                                                                   {Event::step, 1},
                                                                   {Event::step, 4},
                                                                   {Event::validation, 1},
                                                                   {Event::saved, 3},
                                                                   {Event::epoch, 1},
                                                                   {Event::step, 6},
                                                                   {Event::step, 11},
                                                                   {Event::epoch, 3}}) {
    CAPTURE(static_cast<int>(event));
    CAPTURE(n);
    fs::remove_all(out);
    interrupt(run_options(out), event, n);
    const json summary =
        fit(run_options(out, {{"resume", out}, {"num_workers", std::to_string(number++ % 4)}}));
    check_same_results(out, whole);
    for (const char* name : {"epochs", "best_epoch", "accuracy", "train_loss", "layers", "stopped_early"}) {
      CAPTURE(name);
      CHECK(summary.at(name) == expected.at(name));
    }
  }
}

TEST_CASE("a run goes on again and again and from a checkpoint that was kept") {
  const TemporaryFolder folder;
  const std::string whole = folder.file("whole"), out = folder.file("run");
  fit(run_options(whole));
  interrupt(run_options(out, {{"checkpoint_epochs", "1"}}), Event::step, 3);
  for (int step = 0; step < 3; ++step) {
    interrupt(run_options(out, {{"checkpoint_epochs", "1"}, {"resume", out}}), Event::step, 2);
  }
  fit(run_options(out, {{"checkpoint_epochs", "1"}, {"resume", out}}));
  check_same_results(out, whole);
  CHECK(names_in(out + "/checkpoints") ==
        std::set<std::string>{"epoch-0001.safetensors", "epoch-0002.safetensors", "epoch-0003.safetensors",
                              "last.safetensors"});
  interrupt(run_options(out, {{"resume", out + "/checkpoints/epoch-0001.safetensors"}}), Event::step, 1);
  CHECK(metrics_of(out).size() == 2);
  CHECK(names_in(out + "/checkpoints") ==
        std::set<std::string>{"epoch-0001.safetensors", "last.safetensors"});
  fit(run_options(out, {{"resume", out}}));
  check_same_results(out, whole);
}

TEST_CASE("a run can go on after any step when checkpoints are written within an epoch") {
  const TemporaryFolder folder;
  const std::string whole = folder.file("whole"), out = folder.file("run");
  fit(run_options(whole));
  // As if it had been killed: the exception leaves the run as it stands.
  struct Killed {};
  int steps = 0;
  const auto killed = [&](Event event, const json&) -> std::int32_t {
    if (event == Event::step && ++steps == 7) throw Killed();
    return 0;
  };
  CHECK_THROWS_AS(fit(run_options(out, {{"checkpoint_minutes", "1e-9"}}), killed), Killed);
  json start;
  fit(run_options(out, {{"resume", out}}), [&](Event event, const json& details) {
    if (event == Event::start) start = details;
    return 0;
  });
  CHECK(start["epochs_done"] == 1);
  CHECK(start["steps_done"] == 2);
  check_same_results(out, whole);
}

TEST_CASE("early stopping remembers what was before the interruption") {
  const TemporaryFolder folder;
  const std::string whole = folder.file("whole"), out = folder.file("run");
  // Nothing gets better after the first epoch.
  const Settings still = {
      {"epochs", "9"},        {"lr", "1e-12"},      {"patience", "3"},          {"weight_decay", "0"},
      {"model", "vgg11_moe"}, {"image_size", "32"}, {"embedding_norm", "none"}, {"variant", "cifar"}};
  const json expected = fit(run_options(whole, still));
  CHECK(expected["epochs"] == 4);
  interrupt(run_options(out, still), Event::epoch, 3);
  Settings more = still;
  more.emplace_back("resume", out);
  const json summary = fit(run_options(out, more));
  CHECK(summary["epochs"] == 4);
  CHECK(summary["stopped_early"] == true);
  check_same_results(out, whole);
  CHECK(fit(run_options(out, more))["epochs"] == 4);
}

TEST_CASE("a complete run is done at once and with more epochs it is prolonged") {
  const TemporaryFolder folder;
  const std::string out = folder.file("run");
  const Settings constant = {{"schedule", "step"}, {"warmup_epochs", "0"}, {"influence_schedule", "none"}};
  fit(run_options(folder.file("whole"), constant));
  Settings shorter = constant;
  shorter.emplace_back("epochs", "2");
  fit(run_options(out, shorter));
  const std::string weights = read_file(out + "/last.safetensors");
  shorter.emplace_back("resume", out);
  int steps = 0;
  fit(run_options(out, shorter), [&](Event event, const json&) { return steps += event == Event::step, 0; });
  CHECK(steps == 0);
  CHECK(read_file(out + "/last.safetensors") == weights);
  Settings longer = constant;
  longer.emplace_back("resume", out);
  fit(run_options(out, longer));
  CHECK(metrics_of(out) == metrics_of(folder.file("whole")));
}

TEST_CASE("a run that goes on with something else is refused and left as it was") {
  const TemporaryFolder folder;
  const std::string out = folder.file("run");
  interrupt(run_options(out), Event::step, 6);
  const auto files = [&] {
    return read_file(out + "/config.json") + read_file(out + "/metrics.csv") +
           read_file(out + "/checkpoints/last.safetensors");
  };
  const std::string before = files();
  require_error(ErrorCode::invalid_argument, {"option 'lr' is 0.5", "0.02"},
                [&] { fit(run_options(out, {{"resume", out}, {"lr", "0.5"}})); });
  require_error(ErrorCode::invalid_argument, {"27 images to train on", "28", out},
                [&] { fit(run_options(out, {{"resume", out}}), {}, 27); });
  require_error(ErrorCode::invalid_argument, {"11 images for validation", "12"},
                [&] { fit(run_options(out, {{"resume", out}}), {}, 28, 11); });
  CHECK(files() == before);
  require_error(ErrorCode::not_found, {folder.path(), "holds no run"},
                [&] { fit(run_options(out, {{"resume", folder.path()}})); });
}

TEST_CASE("a new run in the folder of an older one cannot go on with that one") {
  const TemporaryFolder folder;
  const std::string out = folder.file("run");
  fit(run_options(out, {{"checkpoint_epochs", "1"}}));
  interrupt(run_options(out, {{"lr", "0.01"}}), Event::start, 1);
  CHECK(names_in(out + "/checkpoints") == std::set<std::string>{"last.safetensors"});
  CHECK(names_in(out + "/best").empty());
  CHECK(fit(run_options(out, {{"lr", "0.01"}, {"resume", out}}))["epochs"] == 3);
}

TEST_CASE("steps of the host's own after loading are no part of the run") {
  const TemporaryFolder folder;
  const std::string out = folder.file("run");
  interrupt(run_options(out), Event::step, 6);
  const Options options = run_options(folder.file("other"));
  Trainer trainer(Model::create(options), options);
  trainer.load_state(out + "/checkpoints/last.safetensors");
  CHECK(trainer.position().step == 6);
  CHECK(trainer.position().step_in_epoch == 2);
  trainer.begin_epoch(0, 4);
  int steps = 0;
  trainer.fit(test::small_dataset("train", 28), test::small_dataset("test", 12),
              [&](Event event, const json&) { return steps += event == Event::step, 0; });
  CHECK(steps == 12);
}

TEST_CASE("a full disk ends the run with the last checkpoint intact and names the file") {
  const TemporaryFolder folder;
  const std::string whole = folder.file("whole"), out = folder.file("run");
  fit(run_options(whole));
  std::string intact;
  std::optional<test::SmallDisk> disk;
  const auto fill_disk = [&](Event event, const json& details) -> std::int32_t {
    if (event == Event::step && details["epoch"] == 2 && !disk) {
      intact = read_file(out + "/checkpoints/last.safetensors");
      disk.emplace(100000);  // enough for the records, not for weights
    }
    return 0;
  };
  require_error(ErrorCode::io, {out + "/", ".safetensors"}, [&] { fit(run_options(out), fill_disk); });
  disk.reset();
  CHECK(read_file(out + "/checkpoints/last.safetensors") == intact);
  CHECK(names_in(out + "/checkpoints") == std::set<std::string>{"last.safetensors"});
  fit(run_options(out, {{"resume", out}}));
  check_same_results(out, whole);
}

TEST_CASE("a run without validation goes on with what its steps say of the gates") {
  const TemporaryFolder folder;
  const auto fit_alone = [](const Options& options, const EventCallback& callback = {}) {
    Trainer trainer(Model::create(options), options);
    return trainer.fit(test::small_dataset("train", 28), nullptr, callback);
  };
  const std::string whole = folder.file("whole"), out = folder.file("run");
  fit_alone(run_options(whole, {{"tensorboard", "true"}}));
  int steps = 0;
  CHECK_THROWS_AS(fit_alone(run_options(out, {{"tensorboard", "true"}}),
                            [&](Event event, const json&) { return event == Event::step && ++steps == 6; }),
                  Cancelled);
  fit_alone(run_options(out, {{"tensorboard", "true"}, {"resume", out}}));
  check_same_results(out, whole);

  // The epoch that was interrupted has its histograms whole.
  const std::vector<test::EventRecord> expected = test::read_event_file(event_files_in(whole).back());
  const std::vector<test::EventRecord> events = test::read_event_file(event_files_in(out).back());
  CHECK(event_files_in(out).size() == 2);
  REQUIRE(events.size() == 4);
  CHECK(events[1].session_start);
  CHECK(events[1].step == 2);
  CHECK(events[2].step == 2);
  const auto& [name, gates] = *expected.at(2).histograms.begin();
  CHECK(events[2].histograms.at(name).counts == gates.counts);
  CHECK(events[2].histograms.at(name).sum == gates.sum);
}

TEST_CASE("a run that is taught and gives up experts goes on as if it had never stopped") {
  const TemporaryFolder folder;
  const std::string whole = folder.file("whole"), out = folder.file("run"), teacher = folder.file("teacher");
  fit(run_options(teacher, {{"model", "resnet18"}, {"epochs", "1"}, {"seed", "3"}}));
  const Settings settings{{"gate_select", "topk"},
                          {"limited_gates", "all"},
                          {"gate_density", "0.5"},
                          {"density_window", "0.1,0.6"},
                          {"embedding_influence", "0.5"},
                          {"influence_schedule", "linear"},
                          {"influence_window", "0.2,0.5"},
                          {"gate_weight_decay", "0.1"},
                          {"distill", teacher + "/last.safetensors"},
                          {"keep_best", "2"}};
  const json expected = fit(run_options(whole, settings));
  // The second of the three epochs is the first at whose end the gates are as they stay.
  CHECK(names_in(whole + "/best") ==
        std::set<std::string>{"epoch-0002.safetensors", "epoch-0003.safetensors"});
  CHECK(expected.at("density").get<double>() <= 0.5);
  for (const int n : {1, 4, 6, 11}) {
    CAPTURE(n);
    fs::remove_all(out);
    interrupt(run_options(out, settings), Event::step, n);
    Settings resumed = settings;
    resumed.push_back({"resume", out});
    fit(run_options(out, resumed));
    check_same_results(out, whole);
  }
}
