// Runs of two processes, as two threads; tests/cli has those of two commands.
#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "model/small_model.hpp"
#include "model/tensor_bridge.hpp"
#include "storage/storage.hpp"
#include "training/process_pair.hpp"
#include "training/random_dataset.hpp"
#include "training/training.hpp"

using namespace deepmoe;
using nlohmann::json;

namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;
using Group = std::shared_ptr<ProcessGroup>;

/// Two epochs of 4 steps in each of two processes.
Options run_options(const Settings& more) {
  Options options = test::small_options({{"epochs", "2"},
                                         {"freeze_epochs", "1"},
                                         {"batch_size", "4"},
                                         {"lr", "0.02"},
                                         {"print_every", "1"},
                                         {"num_workers", "0"}});
  for (const auto& [name, value] : more) options.set(name, value);
  return options;
}

/// Without images of its own for the validation, so that the steps' gates are the run's figures.
json fit(const Group& group, const Options& options, const EventCallback& callback = {}) {
  Trainer trainer(Model::create(options), options, group);
  return trainer.fit(test::small_dataset("train", 32), nullptr, callback);
}

/// The figures of the first epoch but its times, as process 0 writes them.
json first_row(const std::string& folder) {
  const std::string rows = read_file(folder + "/metrics.jsonl");
  json row = json::parse(rows.substr(0, rows.find('\n')));
  for (const char* name : {"seconds", "images_per_second"}) row.erase(name);
  return row;
}

}  // namespace

TEST_CASE("a run of two processes that goes on in an epoch has the figures of one that was not stopped") {
  const TemporaryFolder folder;
  const Options whole = run_options({{"out", folder.file("whole")}}),
                stopped = run_options({{"out", folder.file("stopped")}}),
                resumed = run_options({{"out", folder.file("stopped")}, {"resume", folder.file("stopped")}});
  as_two_processes([&](const Group& group) { fit(group, whole); });

  std::array<std::int32_t, 2> answers{};
  as_two_processes([&](const Group& group) {
    try {
      // The host of process 1 alone wishes to stop.
      fit(group, stopped, [&](Event event, const json& details) {
        return group->rank() == 1 && event == Event::step && details["step"] == 3 ? -7 : 0;
      });
    } catch (const Cancelled& cancelled) {
      answers.at(static_cast<std::size_t>(group->rank())) = cancelled.answer();
    }
  });
  CHECK(answers == std::array<std::int32_t, 2>{-7, -7});

  as_two_processes([&](const Group& group) { fit(group, resumed); });
  CHECK(first_row(folder.file("stopped")) == first_row(folder.file("whole")));
}

TEST_CASE("checkpoints in an epoch do not change the figures of two processes") {
  const TemporaryFolder folder;
  const Options plain = run_options({{"out", folder.file("plain")}}),
                saving = run_options({{"out", folder.file("saving")}, {"checkpoint_minutes", "1e-9"}});
  as_two_processes([&](const Group& group) { fit(group, plain); });
  as_two_processes([&](const Group& group) { fit(group, saving); });
  CHECK(first_row(folder.file("saving")) == first_row(folder.file("plain")));
}

TEST_CASE("a dry run of two processes plans for both and changes neither's weights") {
  const TemporaryFolder folder;
  const Options options = run_options({{"dry_run", "true"}, {"out", folder.file("run")}});
  std::array<json, 2> results;
  std::array<bool, 2> kept{};
  as_two_processes([&](const Group& group) {
    const auto rank = static_cast<std::size_t>(group->rank());
    const auto model = Model::create(options);
    const std::string name = "fc.weight";
    const at::Tensor before = test::entry_of(*model, name).detach().clone();
    Trainer trainer(model, options, group);
    results.at(rank) =
        trainer.fit(test::small_dataset("train", 32), test::small_dataset("test", 12), EventCallback());
    kept.at(rank) = at::equal(before, test::entry_of(*model, name));
  });
  CHECK(kept == std::array<bool, 2>{true, true});
  CHECK(results[0]["steps_per_epoch"] == 4);
  CHECK(results[0]["loss"] == results[1]["loss"]);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("the metrics of a loop of two processes are of all images") {
  const Options options = run_options({});
  std::array<json, 2> metrics;
  as_two_processes([&](const Group& group) {
    Trainer trainer(Model::create(options), options, group);
    const auto rank = static_cast<std::size_t>(group->rank());
    const at::Tensor images = test::random_images(4 + group->rank(), 16, rank);
    const at::Tensor labels = at::zeros({images.size(0)}, at::kLong);
    trainer.step(to_shared("images", images), to_shared("labels", labels), nullptr);
    metrics.at(rank) = trainer.metrics();
  });
  CHECK(metrics[0]["samples"] == 9);
  CHECK(metrics[0] == metrics[1]);
}

TEST_CASE("processes with different networks do not begin a training") {
  require_error(ErrorCode::invalid_argument, {"process 1", "network"}, [] {
    as_two_processes([](const Group& group) {
      Trainer trainer(test::small_model({{"width", group->rank() == 0 ? "0.125" : "0.25"}}), run_options({}),
                      group);
    });
  });
}
