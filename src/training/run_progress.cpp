#include "training/run_progress.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "base/base.hpp"
#include "training/gate_schedule.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

const char* measure_of(const Options& options, bool validated) {
  if (!validated) return "train_loss";
  return options.text("early_stop_metric") == "val_loss" ? "val_loss" : "val_acc";
}

void expect_size(const Checkpoint& checkpoint, const char* member, const char* images, std::int64_t size) {
  const std::int64_t then = checkpoint.integer("run", member, 0, std::numeric_limits<std::int64_t>::max());
  if (then == size) return;
  fail(ErrorCode::invalid_argument, "there are ", size, " images ", images, ", but the training in '",
       checkpoint.path(), "' had ", then, "; it can go on only with the same images");
}

}  // namespace

RunProgress::RunProgress(const Options& options, std::int64_t train_images, std::int64_t validation_images)
    : train_size(train_images),
      validation_size(validation_images),
      best(measure_of(options, validation_images > 0) == std::string("val_acc"),
           options.integer("keep_best")),
      measure_name_(measure_of(options, validation_images > 0)),
      first_settled_epoch_(first_settled_epoch(options)) {}

double RunProgress::measure(const json& row) const {
  // JSON knows no number for what is not finite.
  return row.at(measure_name_).is_number() ? row.at(measure_name_).get<double>()
                                           : std::numeric_limits<double>::quiet_NaN();
}

bool RunProgress::finish_epoch(const json& row, const json& evaluation, double epoch_seconds) {
  rows.push_back(row);
  ++epochs_done;
  batches_done = 0;
  seconds += epoch_seconds;
  seconds_in_epoch = 0.0;
  const bool kept = add_to_best(epochs_done);
  if (best.best() == epochs_done) best_evaluation = evaluation;
  return kept;
}

void RunProgress::save(Checkpoint& checkpoint) const {
  checkpoint.set("run", {{"train_size", train_size},
                         {"validation_size", validation_size},
                         {"epochs_done", epochs_done},
                         {"batches_done", batches_done},
                         {"first_learning_rate", first_learning_rate},
                         {"seconds_in_epoch", seconds_in_epoch},
                         {"seconds", seconds},
                         {"rows", rows},
                         {"best_evaluation", best_evaluation}});
}

void RunProgress::load(const Checkpoint& checkpoint) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  expect_size(checkpoint, "train_size", "to train on", train_size);
  expect_size(checkpoint, "validation_size", "for validation", validation_size);
  epochs_done = checkpoint.integer("run", "epochs_done", 0, most);
  batches_done = checkpoint.integer("run", "batches_done", 0, most);
  first_learning_rate = checkpoint.real("run", "first_learning_rate");
  seconds_in_epoch = checkpoint.real("run", "seconds_in_epoch");
  seconds = checkpoint.real("run", "seconds");
  best_evaluation = checkpoint.value("run", "best_evaluation");
  const json& stored = checkpoint.value("run", "rows");
  if (!stored.is_array() || static_cast<std::int64_t>(stored.size()) != epochs_done) {
    checkpoint.refuse("it has not one row of metrics for each of its ", epochs_done, " epochs");
  }
  rows.assign(stored.begin(), stored.end());
  for (const json& row : rows) {
    for (const char* name : {measure_name_, "train_loss", "train_acc", "images_per_second"}) {
      if (!row.is_object() || !row.contains(name)) checkpoint.refuse("a row of its metrics has no ", name);
    }
  }
  for (const char* name : {"accuracy", "top5_accuracy", "loss", "density", "layers", "active_macs"}) {
    if (best_evaluation.is_object() && !best_evaluation.contains(name)) {
      checkpoint.refuse("what it says of the best epoch has no ", name);
    }
  }
  find_best();
}

/// Again from the rows, which say all: `keep_best` may be another number now.
void RunProgress::find_best() {
  for (std::int64_t epoch = 1; epoch <= epochs_done; ++epoch) add_to_best(epoch);
}

bool RunProgress::add_to_best(std::int64_t epoch) {
  return epoch >= first_settled_epoch_ && best.add(epoch, measure(rows[static_cast<std::size_t>(epoch) - 1]));
}

std::int64_t RunProgress::epochs_without_improvement() const {
  return epochs_done - std::max(best.best(), first_settled_epoch_ - 1);
}

}  // namespace deepmoe
