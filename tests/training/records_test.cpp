#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/records.hpp"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "model/small_model.hpp"
#include "storage/small_disk.hpp"
#include "training/event_records.hpp"

using namespace deepmoe;
using nlohmann::json;

namespace {

json row(int epoch) {
  return {{"epoch", epoch},
          {"lr", 0.1},
          {"train_loss", 2.0 / epoch},
          {"val_acc", 0.25},
          {"dead_experts", 3},
          {"seconds", 1.5},
          {"layers", {{{"name", "layer1.0.gate1"}, {"experts", 8}, {"density", 0.5}}}}};
}

std::vector<std::string> lines_of(const std::string& path) {
  std::istringstream text(read_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::string event_file_in(const std::string& folder) {
  std::string found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("events.out.tfevents.", 0) == 0 && entry.path().string() > found)
      found = entry.path().string();
  }
  return found;
}

struct Run {
  explicit Run(const std::string& path, const std::vector<std::pair<std::string, std::string>>& more = {})
      : model(test::small_model(more)), folder(path) {}
  Records records(const std::vector<json>& earlier = {}) const {
    return {folder, model->options(), model->network(), earlier};
  }
  std::shared_ptr<Model> model;
  RunFolder folder;
};

}  // namespace

TEST_CASE("epochs are rows of a table and lines of JSON") {
  const TemporaryFolder folder;
  const Run run(folder.path());
  Records records = run.records();
  CHECK_FALSE(records.gate_observer());
  records.add_epoch(row(1));
  json infinite = row(2);
  infinite["train_loss"] = std::nan("");
  infinite["val_loss"] = INFINITY;
  records.add_epoch(infinite);

  const std::vector<std::string> table = lines_of(folder.file("metrics.csv"));
  REQUIRE(table.size() == 3);
  CHECK(
      table[0] ==
      "epoch,lr,lambda_val,train_loss,train_acc,val_loss,val_acc,density,dense_macs,active_macs,dead_experts,"
      "always_on_experts,effective_experts,gate_loss,seconds,images_per_second");
  CHECK(table[1] == "1,0.1,,2.0,,,0.25,,,,3,,,,1.5,");
  CHECK(table[2] == "2,0.1,,nan,,inf,0.25,,,,3,,,,1.5,");
  const std::vector<std::string> lines = lines_of(folder.file("metrics.jsonl"));
  REQUIRE(lines.size() == 2);
  CHECK(json::parse(lines[0]) == row(1));
  CHECK(json::parse(lines[1])["train_loss"].is_null());
  CHECK(event_file_in(folder.path()).empty());
}

TEST_CASE("for TensorBoard every figure is a curve and the gates of each layer a histogram") {
  const TemporaryFolder folder;
  const Run run(folder.path(), {{"tensorboard", "true"}});
  Records records = run.records();
  const GateObserver observer = records.gate_observer();
  REQUIRE(observer);
  for (const float gate : {0.5F, 2.0F}) {
    std::vector<at::Tensor> gates;
    const std::vector<Shape> shapes = infer_shapes(run.model->architecture());
    for (const std::int32_t node : run.model->architecture().gates()) {
      gates.push_back(at::full({4, shapes[static_cast<std::size_t>(node)].channels}, gate));
    }
    observer(gates);
    records.add_epoch(row(gate == 0.5F ? 1 : 2));
  }
  const std::vector<test::EventRecord> events = test::read_event_file(event_file_in(folder.path()));
  REQUIRE(events.size() == 3);
  CHECK(events[1].step == 1);
  CHECK(events[1].scalars == std::map<std::string, float>{{"loss/train", 2.0F},
                                                          {"accuracy/validation", 0.25F},
                                                          {"experts/dead", 3.0F},
                                                          {"run/lr", 0.1F},
                                                          {"run/seconds", 1.5F},
                                                          {"layer_density/layer1.0.gate1", 0.5F}});
  // Each epoch has its own gates.
  REQUIRE(events[2].histograms.size() == 16);
  CHECK(events[1].histograms.at("gates/layer1.0.gate1").sum == 16.0);
  CHECK(events[2].histograms.at("gates/layer1.0.gate1").sum == 64.0);
}

TEST_CASE("a dense network has curves without histograms") {
  const TemporaryFolder folder;
  const Run run(folder.path(), {{"tensorboard", "true"}, {"model", "resnet18"}});
  Records records = run.records();
  CHECK_FALSE(records.gate_observer());
  records.add_epoch(row(1));
  CHECK(test::read_event_file(event_file_in(folder.path())).size() == 2);
}

TEST_CASE("records go on after the epochs that are kept") {
  const TemporaryFolder folder;
  const Run run(folder.path(), {{"tensorboard", "true"}});
  {
    Records records = run.records();
    for (int epoch = 1; epoch <= 3; ++epoch) records.add_epoch(row(epoch));
  }
  const std::string table = read_file(folder.file("metrics.csv")),
                    lines = read_file(folder.file("metrics.jsonl"));
  const std::vector<json> earlier = read_epochs(folder.path(), 2);
  CHECK(earlier == std::vector<json>{row(1), row(2)});
  Records records = run.records(earlier);
  CHECK(lines_of(folder.file("metrics.jsonl")).size() == 2);
  records.add_epoch(row(3));
  CHECK(read_file(folder.file("metrics.csv")) == table);
  CHECK(read_file(folder.file("metrics.jsonl")) == lines);
  const std::vector<test::EventRecord> events = test::read_event_file(event_file_in(folder.path()));
  REQUIRE(events.size() == 3);
  CHECK(events[1].session_start);
  CHECK(events[1].step == 3);
  CHECK(events[2].step == 3);
}

TEST_CASE("a figure that is no number is none after a run goes on either") {
  const TemporaryFolder folder;
  const Run run(folder.path());
  json bad = row(1);
  bad["val_loss"] = std::nan("");
  run.records().add_epoch(bad);
  const std::string table = read_file(folder.file("metrics.csv"));
  run.records(read_epochs(folder.path(), 1));
  CHECK(read_file(folder.file("metrics.csv")) == table);
}

TEST_CASE("records that do not hold the epochs are named") {
  const TemporaryFolder folder;
  require_error(ErrorCode::not_found, {"metrics.jsonl"}, [&] { read_epochs(folder.path(), 1); });
  write_file_atomically(folder.file("metrics.jsonl"), row(1).dump() + "\n" + row(2).dump().substr(0, 20));
  CHECK(read_epochs(folder.path(), 1).size() == 1);
  require_error(ErrorCode::format, {"metrics.jsonl", "line 2", "epoch 2"},
                [&] { read_epochs(folder.path(), 2); });
  write_file_atomically(folder.file("metrics.jsonl"), row(1).dump() + "\n");
  require_error(ErrorCode::format, {"metrics.jsonl", "1 epochs", "2"},
                [&] { read_epochs(folder.path(), 2); });
}

TEST_CASE("an epoch that does not fit on the disk names the file and leaves the others") {
  const TemporaryFolder folder;
  const Run run(folder.path());
  Records records = run.records();
  const auto long_row = [](int epoch) {
    json result = row(epoch);
    result["layers"][0]["name"] = std::string(1000, 'x');
    return result;
  };
  records.add_epoch(long_row(1));
  const std::string lines = read_file(folder.file("metrics.jsonl"));
  {
    const test::SmallDisk disk(lines.size() + 10);
    require_error(ErrorCode::io, {folder.file("metrics.jsonl"), "still there"},
                  [&] { records.add_epoch(long_row(2)); });
  }
  CHECK(read_file(folder.file("metrics.jsonl")) == lines);
  CHECK(lines_of(folder.file("metrics.csv")).size() == 3);
}

TEST_CASE("without a folder nothing is recorded") {
  const Run run("");
  Records records = run.records();
  CHECK_FALSE(records.gate_observer());
  CHECK_NOTHROW(records.add_epoch(row(1)));
}
