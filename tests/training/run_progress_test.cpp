#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/run_progress.hpp"

#include <limits>

#include "base/require_error.hpp"

using namespace deepmoe;
using nlohmann::json;

namespace {

json row(double accuracy) {
  return {{"train_loss", 1.5}, {"train_acc", 0.5}, {"val_acc", accuracy}, {"images_per_second", 9.0}};
}

json evaluation(double accuracy) {
  return {{"accuracy", accuracy}, {"top5_accuracy", 1.0},    {"loss", 2.0},
          {"density", 0.5},       {"layers", json::array()}, {"active_macs", 7}};
}

Options keeping(const char* count) {
  Options options;
  options.set("keep_best", count);
  return options;
}

RunProgress after_epochs(const std::vector<double>& accuracies) {
  RunProgress progress(keeping("2"), 100, 10);
  for (const double accuracy : accuracies) progress.finish_epoch(row(accuracy), evaluation(accuracy), 3.0);
  return progress;
}

}  // namespace

TEST_CASE("the best epochs of a run are found as its options say") {
  RunProgress progress(keeping("2"), 100, 10);
  CHECK(progress.finish_epoch(row(0.5), evaluation(0.5), 3.0));
  CHECK(progress.finish_epoch(row(0.7), evaluation(0.7), 3.0));
  CHECK_FALSE(progress.finish_epoch(row(0.4), evaluation(0.4), 3.0));
  CHECK(progress.best.best() == 2);
  CHECK(progress.best_evaluation["accuracy"] == 0.7);
  CHECK(progress.epochs_done == 3);
  CHECK(progress.seconds == 9.0);
}

TEST_CASE("a run without validation is judged by its training loss") {
  RunProgress progress(keeping("1"), 100, 0);
  CHECK(progress.finish_epoch({{"train_loss", 2.0}}, json(), 1.0));
  CHECK(progress.finish_epoch({{"train_loss", 1.0}}, json(), 1.0));
  CHECK_FALSE(progress.finish_epoch({{"train_loss", json()}}, json(), 1.0));
  CHECK(progress.best.best() == 2);
}

TEST_CASE("progress goes on from a checkpoint and another number of best epochs may be kept") {
  RunProgress progress = after_epochs({0.3, 0.9, 0.5});
  progress.batches_done = 4;
  progress.first_learning_rate = 0.25;
  progress.seconds_in_epoch = 1.5;
  Checkpoint checkpoint;
  progress.save(checkpoint);
  RunProgress later(keeping("3"), 100, 10);
  later.load(checkpoint);
  CHECK(later.epochs_done == 3);
  CHECK(later.batches_done == 4);
  CHECK(later.first_learning_rate == 0.25);
  CHECK(later.seconds_in_epoch == 1.5);
  CHECK(later.rows == progress.rows);
  CHECK(later.best.best() == 2);
  CHECK(later.best.holds(1));
  CHECK_FALSE(progress.best.holds(1));
  CHECK(later.best_evaluation == progress.best_evaluation);
}

TEST_CASE("a damaged account of a run is refused in words") {
  const RunProgress progress = after_epochs({0.3});
  Checkpoint whole;
  progress.save(whole);
  const auto refused = [&](const char* member, const json& value, const std::string& part) {
    json values = whole.values("run");
    values[member] = value;
    Checkpoint damaged;
    damaged.set("run", values);
    RunProgress later(keeping("2"), 100, 10);
    CAPTURE(member);
    require_error(ErrorCode::format, {part}, [&] { later.load(damaged); });
  };
  refused("epochs_done", -1, "epochs_done");
  refused("epochs_done", 2, "2 epochs");
  refused("batches_done", "many", "batches_done");
  refused("seconds", json(), "seconds");
  refused("rows", {1}, "metrics");
  refused("rows", {{{"val_acc", 0.5}}}, "train_loss");
  refused("best_evaluation", {{"accuracy", 0.5}}, "top5_accuracy");
}

TEST_CASE("other numbers of images than before are refused") {
  Checkpoint checkpoint;
  after_epochs({0.3}).save(checkpoint);
  RunProgress fewer(keeping("2"), 99, 10), none(keeping("2"), 100, 0);
  require_error(ErrorCode::invalid_argument, {"99 images to train on", "100"},
                [&] { fewer.load(checkpoint); });
  require_error(ErrorCode::invalid_argument, {"0 images for validation", "10"},
                [&] { none.load(checkpoint); });
}

TEST_CASE("epochs on the way to a target are neither the best nor spend patience") {
  Options options = keeping("2");
  for (const auto& [name, value] :
       {std::pair{"epochs", "6"}, std::pair{"gate_select", "topk"}, std::pair{"target_macs", "0.5"}}) {
    options.set(name, value);
  }
  RunProgress progress(options, 100, 10);
  CHECK_FALSE(progress.finish_epoch(row(0.9), evaluation(0.9), 1.0));
  CHECK_FALSE(progress.finish_epoch(row(0.9), evaluation(0.9), 1.0));
  CHECK(progress.best.best() == 0);
  CHECK(progress.epochs_without_improvement() <= 0);
  CHECK(progress.finish_epoch(row(0.5), evaluation(0.5), 1.0));
  CHECK(progress.finish_epoch(row(0.4), evaluation(0.4), 1.0));
  CHECK(progress.best.best() == 3);
  CHECK(progress.epochs_without_improvement() == 1);
  Checkpoint checkpoint;
  progress.save(checkpoint);
  RunProgress later(options, 100, 10);
  later.load(checkpoint);
  CHECK((later.best.entries() == progress.best.entries()));
}
