#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "model/small_model.hpp"
#include "storage/small_disk.hpp"
#include "training/random_dataset.hpp"
#include "training/training.hpp"

using namespace deepmoe;
using nlohmann::json;

namespace {

Options dry_options(const std::vector<std::pair<std::string, std::string>>& more = {}) {
  Options options = test::small_options({{"dry_run", "true"},
                                         {"epochs", "9"},
                                         {"freeze_epochs", "9"},
                                         {"batch_size", "10"},
                                         {"gradient_accumulation", "2"},
                                         {"num_workers", "0"},
                                         {"tensorboard", "true"}});
  for (const auto& [name, value] : more) options.set(name, value);
  return options;
}

json fit(const std::shared_ptr<Model>& model, const Options& options, const EventCallback& callback = {}) {
  Trainer trainer(model, options);
  return trainer.fit(test::small_dataset("train", 51), test::small_dataset("test", 24), callback);
}

std::vector<at::Tensor> weights_of(Model& model) {
  std::vector<at::Tensor> weights;
  for (const Network::Entry& entry : model.network().state())
    weights.push_back(entry.tensor.detach().clone());
  return weights;
}

bool equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!at::equal(a[i], b[i])) return false;
  }
  return a.size() == b.size();
}

}  // namespace

TEST_CASE("a dry run does one step of everything and leaves nothing behind") {
  const TemporaryFolder folder;
  const auto model = Model::create(dry_options());
  const std::vector<at::Tensor> before = weights_of(*model);
  bool changed = false, wrote = false;
  std::map<Event, int> counts;
  json start;
  const json result =
      fit(model, dry_options({{"out", folder.file("runs/dry")}}), [&](Event event, const json& details) {
        ++counts[event];
        if (event == Event::start) start = details;
        if (event == Event::validation) changed = !equal(before, weights_of(*model));
        if (event == Event::saved) {
          const std::string path = details["path"];
          wrote = path.rfind(folder.file("runs/dry/"), 0) == 0 && std::filesystem::exists(path);
        }
        return 0;
      });
  CHECK(counts[Event::start] == 1);
  CHECK(counts[Event::step] == 2);  // two batches make one update
  CHECK(counts[Event::validation] == 1);
  CHECK(counts[Event::epoch] == 1);
  CHECK(changed);
  CHECK(wrote);
  CHECK(start["epochs"] == 9);

  CHECK(result["dry_run"] == true);
  CHECK(result["epochs"] == 9);
  // 51 images in batches of 10; the last one alone is left out.
  CHECK(result["steps_per_epoch"] == 5);
  CHECK(result["train_size"] == 51);
  CHECK(result["validation_size"] == 24);
  CHECK(result["out"] == folder.file("runs/dry"));
  CHECK(result["loss"].get<double>() > 0.0);
  CHECK(result["validation_loss"].get<double>() > 0.0);
  std::set<std::string> names;
  for (const json& file : result["files"]) {
    CHECK(file["bytes"].get<int>() > 0);
    const std::string name = file["name"];
    names.insert(name.substr(0, name.find("tfevents.")));
  }
  CHECK(names == std::set<std::string>{"best.safetensors", "checkpoints/last.safetensors", "config.json",
                                       "events.out.", "last.safetensors", "metrics.csv", "metrics.jsonl",
                                       "summary.json"});

  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK(equal(before, weights_of(*model)));
  for (const Network::Entry& entry : model->network().state()) CHECK_FALSE(entry.tensor.grad().defined());
}

TEST_CASE("a dry run leaves a folder that was there as it was") {
  const TemporaryFolder folder;
  std::ofstream(folder.file("metrics.csv")) << "of another run";
  fit(Model::create(dry_options()), dry_options({{"out", folder.path()}}));
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++files;
  CHECK(files == 1);
  CHECK(std::filesystem::file_size(folder.file("metrics.csv")) == 14);
}

TEST_CASE("a dry run without a folder or validation writes nothing") {
  const Options options = dry_options();
  Trainer trainer(Model::create(options), options);
  const json result = trainer.fit(test::small_dataset("train", 8), nullptr, {});
  CHECK(result["files"].empty());
  CHECK_FALSE(result.contains("validation_loss"));
}

TEST_CASE("a dry run that fails or is stopped leaves nothing behind either") {
  const TemporaryFolder folder;
  const Options options = dry_options({{"out", folder.file("run")}});
  const auto model = Model::create(options);
  const std::vector<at::Tensor> before = weights_of(*model);
  {
    const test::SmallDisk disk(60000);
    require_error(ErrorCode::io, {"last.safetensors"}, [&] { fit(model, options); });
  }
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK_THROWS_AS(fit(model, options, [](Event event, const json&) { return event == Event::step ? 1 : 0; }),
                  Cancelled);
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK(equal(before, weights_of(*model)));
}

TEST_CASE("a dry run finds a folder that cannot be written") {
  require_error(ErrorCode::io, {"/proc/deepmoe"},
                [] { fit(Model::create(dry_options()), dry_options({{"out", "/proc/deepmoe/run"}})); });
}
