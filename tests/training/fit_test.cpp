#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/small_disk.hpp"
#include "storage/storage.hpp"
#include "training/random_dataset.hpp"
#include "training/records.hpp"
#include "training/training.hpp"

using namespace deepmoe;
using nlohmann::json;

namespace {

Options run_options(const std::vector<std::pair<std::string, std::string>>& more = {}) {
  Options options;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"model", "resnet18_moe"},
                                                                                    {"width", "0.125"},
                                                                                    {"embedding_dim", "16"},
                                                                                    {"num_classes", "4"},
                                                                                    {"image_size", "16"},
                                                                                    {"device", "cpu"},
                                                                                    {"epochs", "2"},
                                                                                    {"batch_size", "16"},
                                                                                    {"lr", "0.02"},
                                                                                    {"num_workers", "1"}}) {
    options.set(name, value);
  }
  for (const auto& [name, value] : more) options.set(name, value);
  return options;
}

json fit(const Options& options, const EventCallback& callback = {}, std::int64_t train_size = 48) {
  Trainer trainer(Model::create(options), options);
  return trainer.fit(test::small_dataset("train", train_size), test::small_dataset("test", 24), callback);
}

/// The rows of metrics.csv without their last two columns, which are times.
std::vector<std::string> metrics_without_times(const std::string& path) {
  std::istringstream file(read_file(path));
  std::vector<std::string> rows;
  for (std::string row; std::getline(file, row);) {
    row = row.substr(0, row.rfind(','));
    rows.push_back(row.substr(0, row.rfind(',')));
  }
  return rows;
}

}  // namespace

TEST_CASE("a run leaves its configuration and metrics and weights") {
  const TemporaryFolder folder;
  const std::string out = folder.file("run");
  const json summary = fit(run_options({{"out", out}}));
  for (const char* name : {"config.json", "metrics.csv", "metrics.jsonl", "best.safetensors",
                           "last.safetensors", "summary.json"}) {
    INFO(name);
    CHECK(std::filesystem::exists(out + "/" + name));
  }
  CHECK(json::parse(read_file(out + "/summary.json")) == summary);
  CHECK(metrics_without_times(out + "/metrics.csv").size() == 3);
  CHECK(json::parse(read_file(out + "/config.json"))["width"] == 0.125);
  CHECK(summary["epochs"] == 2);
  CHECK(summary["interrupted"] == false);
  CHECK(summary["layers"].size() == 16);
  CHECK(summary["files"]["best"] == out + "/best.safetensors");

  const auto best = Model::load(out + "/best.safetensors", Options());
  const json evaluation = evaluate(*best, test::small_dataset("test", 24), best->options(), {});
  CHECK(evaluation["accuracy"] == summary["accuracy"]);
  CHECK(evaluation["active_macs"].get<double>() == doctest::Approx(summary["active_macs"].get<double>()));
  CHECK(best->class_names() == test::small_dataset("test", 24)->class_names());
}

TEST_CASE("a run from weights keeps their gates' influence and its configuration says so") {
  const TemporaryFolder folder;
  const std::string weights = folder.file("weights.safetensors"), out = folder.file("run");
  Model::create(run_options({{"embedding_influence", "1"}}))->save(weights);
  fit(run_options({{"weights", weights}, {"out", out}}));
  const auto trained = Model::load(out + "/last.safetensors", Options());
  for (const std::int32_t gate : trained->architecture().gates()) {
    const Node& node = trained->architecture().nodes[static_cast<std::size_t>(gate)];
    CHECK(std::get<Gate>(node.operation).influence == 1.0);
  }
  CHECK(trained->options().real("embedding_influence") == 1.0);
  Options again;
  again.load_file(out + "/config.json");
  again.set("out", folder.file("again"));
  fit(again);
  CHECK(metrics_without_times(folder.file("again/metrics.csv")) ==
        metrics_without_times(out + "/metrics.csv"));
}

TEST_CASE("a run is repeated by its configuration whatever the number of workers") {
  const TemporaryFolder folder;
  fit(run_options({{"out", folder.file("first")}, {"seed", "3"}}));
  Options again;
  again.load_file(folder.file("first") + "/config.json");
  again.set("out", folder.file("second"));
  again.set("num_workers", "3");
  again.set("device", "cpu");
  fit(again);
  CHECK(metrics_without_times(folder.file("second") + "/metrics.csv") ==
        metrics_without_times(folder.file("first") + "/metrics.csv"));
  fit(run_options({{"out", folder.file("third")}, {"seed", "4"}}));
  CHECK(metrics_without_times(folder.file("third") + "/metrics.csv") !=
        metrics_without_times(folder.file("first") + "/metrics.csv"));
}

TEST_CASE("events tell the run from its start to its files") {
  const TemporaryFolder folder;
  std::map<Event, int> counts;
  json start;
  fit(run_options({{"out", folder.file("run")}}), [&](Event event, const json& details) {
    ++counts[event];
    if (event == Event::start) start = details;
    if (event == Event::step) {
      CHECK(details["loss"].get<double>() > 0.0);
      CHECK(details["images_per_second"].get<double>() > 0.0);
      CHECK(details["lr"].get<double>() <= 0.02);
    }
    return 0;
  });
  CHECK(start["steps_per_epoch"] == 3);
  CHECK(start["train_size"] == 48);
  CHECK(counts[Event::start] == 1);
  CHECK(counts[Event::step] == 6);
  CHECK(counts[Event::epoch] == 2);
  CHECK(counts[Event::saved] >= 3);
}

TEST_CASE("a callback ends a run after the step with everything saved") {
  const TemporaryFolder folder;
  const std::string out = folder.file("run");
  int steps = 0;
  try {
    fit(run_options({{"out", out}}),
        [&](Event event, const json&) { return event == Event::step && ++steps == 4 ? -7 : 0; });
    FAIL("the callback did not end the run");
  } catch (const Cancelled& cancelled) {
    CHECK(cancelled.answer() == -7);
  }
  CHECK(steps == 4);
  CHECK(metrics_without_times(out + "/metrics.csv").size() == 2);
  CHECK(json::parse(read_file(out + "/summary.json"))["interrupted"] == true);
  // The last weights are those of the fourth step, the best those of the first epoch.
  const auto last = Model::load(out + "/last.safetensors", Options()),
             best = Model::load(out + "/best.safetensors", Options());
  const auto counter = [](const Model& model) {
    for (const SharedTensor& tensor : model.state()) {
      if (tensor.name == "bn1.num_batches_tracked") return *static_cast<const std::int64_t*>(tensor.data);
    }
    return std::int64_t(-1);
  };
  CHECK(counter(*last) == 4);
  CHECK(counter(*best) == 3);
}

TEST_CASE("an epoch says what its gates do in metrics and events alike") {
  const TemporaryFolder folder;
  const std::string out = folder.file("run");
  std::vector<json> events;
  const json summary = fit(run_options({{"out", out}}), [&](Event event, const json& details) {
    if (event == Event::epoch) events.push_back(details);
    return 0;
  });
  REQUIRE(events.size() == 2);
  const std::vector<json> rows = read_epochs(out, 2);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    events[i].erase("epochs");
    CHECK(events[i] == rows[i]);
    CHECK(rows[i]["layers"].size() == 16);
    CHECK(rows[i]["experts"] == 480);
    CHECK(rows[i]["dead_experts"].get<int>() >= 0);
    CHECK(rows[i]["effective_experts"].get<double>() <= 480.0);
    CHECK(rows[i]["gate_loss"].get<double>() > 0.0);
    CHECK(rows[i]["layers"][3]["effective_experts"].get<double>() > 0.0);
  }
  // The network of the best epoch, evaluated again, says the same.
  const auto best = Model::load(out + "/best.safetensors", Options());
  const json evaluation = evaluate(*best, test::small_dataset("test", 24), run_options(), {});
  const json& row = rows[summary["best_epoch"].get<std::size_t>() - 1];
  for (const char* name : {"density", "dead_experts", "always_on_experts"})
    CHECK(evaluation[name] == row[name]);
  CHECK(evaluation["gate_loss"].get<double>() == doctest::Approx(row["gate_loss"].get<double>()));
}

TEST_CASE("without validation the training steps tell what the gates do") {
  std::vector<json> events;
  const Options options = run_options();
  Trainer trainer(Model::create(options), options);
  const EventCallback note = [&](Event event, const json& details) {
    if (event == Event::epoch) events.push_back(details);
    return 0;
  };
  const json summary = trainer.fit(test::small_dataset("train", 48), nullptr, note);
  REQUIRE(events.size() == 2);
  CHECK(summary["layers"].size() == 16);
  CHECK_FALSE(events[1].contains("val_loss"));
  CHECK(events[1]["layers"].size() == 16);
  CHECK(events[1]["density"].get<double>() > 0.0);
  CHECK(events[1]["effective_experts"].get<double>() > 0.0);
  // Each epoch has its own statistics.
  CHECK(events[0]["gate_loss"] != events[1]["gate_loss"]);
}

TEST_CASE("a dense network has no gates to tell of") {
  std::vector<json> events;
  const Options options = run_options({{"model", "resnet18"}, {"epochs", "1"}});
  Trainer trainer(Model::create(options), options);
  for (const bool validated : {false, true}) {
    trainer.fit(test::small_dataset("train", 16), validated ? test::small_dataset("test", 8) : nullptr,
                [&](Event event, const json& details) {
                  if (event == Event::epoch) events.push_back(details);
                  return 0;
                });
  }
  REQUIRE(events.size() == 2);
  for (const json& event : events) CHECK_FALSE(event.contains("dead_experts"));
  CHECK(events[1]["density"] == 1.0);
}

TEST_CASE("a full disk ends a run with what was saved before and names the file") {
  for (const auto& [limit, name] :
       std::vector<std::pair<std::size_t, std::string>>{{10, "metrics.csv"}, {60000, ""}}) {
    CAPTURE(name);
    const TemporaryFolder folder;
    const std::string out = folder.file("run");
    std::optional<test::SmallDisk> disk;
    require_error(ErrorCode::io, {out + "/" + name, limit == 10 ? ".csv" : ".safetensors", "still there"},
                  [&, limit = limit] {
                    fit(run_options({{"out", out}}), [&](Event event, const json& details) {
                      if (event == Event::epoch && details["epoch"] == 1) disk.emplace(limit);
                      return 0;
                    });
                  });
    disk.reset();
    CHECK(metrics_without_times(out + "/metrics.csv").size() == (limit == 10 ? 2 : 3));
    CHECK(read_epochs(out, 1).size() == 1);
    for (const char* kind : {"best", "checkpoints/last"}) {
      CHECK_NOTHROW(Model::load(out + "/" + kind + ".safetensors", Options()));
    }
    for (const auto& entry : std::filesystem::directory_iterator(out)) {
      CHECK(entry.path().extension() != ".tmp");
    }
  }
}

TEST_CASE("without a folder nothing is written") {
  const TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const json summary = fit(run_options({{"epochs", "1"}}));
  std::filesystem::current_path(before);
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK_FALSE(summary.contains("files"));
  CHECK(summary.contains("accuracy"));
}

TEST_CASE("early stopping waits for patience epochs") {
  // Without steps nothing gets better after the first epoch.
  for (const char* metric : {"val_acc", "val_loss"}) {
    const json summary = fit(run_options({{"epochs", "9"},
                                          {"lr", "0"},
                                          {"influence_schedule", "none"},
                                          {"patience", "2"},
                                          {"early_stop_metric", metric},
                                          {"embedding_norm", "none"},
                                          {"model", "vgg11_moe"},
                                          {"image_size", "32"},
                                          {"variant", "cifar"}}));
    CHECK(summary["stopped_early"] == true);
    CHECK(summary["epochs"] == 3);
    CHECK(summary["best_epoch"] == 1);
  }
}

TEST_CASE("early stopping follows the measure it is given") {
  for (const std::string metric : {"val_acc", "val_loss"}) {
    CAPTURE(metric);
    std::vector<double> values;
    const json summary =
        fit(run_options({{"epochs", "12"}, {"patience", "2"}, {"early_stop_metric", metric}}),
            [&](Event event, const json& details) {
              if (event == Event::epoch) values.push_back(details[metric]);
              return 0;
            });
    std::size_t best = 0, epochs = 0;
    while (epochs < 12 && !(epochs > 0 && epochs - 1 - best >= 2)) {
      REQUIRE(epochs < values.size());
      const bool better = metric == "val_acc" ? values[epochs] > values[best] : values[epochs] < values[best];
      if (better) best = epochs;
      ++epochs;
    }
    CHECK(summary["epochs"] == epochs);
    CHECK(summary["best_epoch"] == best + 1);
    CHECK(summary["stopped_early"] == (epochs < 12));
  }
}

TEST_CASE("a rest of one image is left out of an epoch") {
  CHECK(fit(run_options({{"epochs", "1"}}), {}, 33)["epochs"] == 1);
}

TEST_CASE("data with more classes than the model are refused") {
  require_error(ErrorCode::invalid_argument, {"4 classes", "2", "num_classes"},
                [] { fit(run_options({{"num_classes", "2"}})); });
}

TEST_CASE("a folder that cannot be written is named") {
  require_error(ErrorCode::io, {"/proc/deepmoe"}, [] { fit(run_options({{"out", "/proc/deepmoe/run"}})); });
}

TEST_CASE("a run with ema evaluates and saves the averaged weights") {
  const TemporaryFolder folder;
  const auto state_of = [](const Model& model) {
    std::map<std::string, std::vector<float>> values;
    for (const SharedTensor& tensor : model.state()) {
      if (tensor.type != DataType::f32) continue;
      const auto* data = static_cast<const float*>(tensor.data);
      values[tensor.name].assign(data, data + tensor.elements());
    }
    return values;
  };
  const auto run = [&](const std::string& name, const std::string& decay) {
    const Options options = run_options({{"out", folder.file(name)}, {"ema", decay}, {"epochs", "1"}});
    Trainer trainer(Model::create(options), options);
    const json summary =
        trainer.fit(test::small_dataset("train", 48), test::small_dataset("test", 24), EventCallback());
    const auto saved = Model::load(folder.file(name) + "/best.safetensors", Options());
    CHECK(state_of(*saved) == state_of(*trainer.model()));
    CHECK(evaluate(*saved, test::small_dataset("test", 24), options, {})["loss"] == summary["loss"]);
    return state_of(*saved);
  };
  const auto plain = run("plain", "0"), averaged = run("averaged", "0.9");
  CHECK(plain.at("fc.weight") != averaged.at("fc.weight"));
  CHECK(plain.at("bn1.running_var") != averaged.at("bn1.running_var"));
}
