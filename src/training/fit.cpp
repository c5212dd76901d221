#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/base.hpp"
#include "model/libtorch_errors.hpp"
#include "training/batch_feed.hpp"
#include "training/dead_layers.hpp"
#include "training/dry_run.hpp"
#include "training/gate_statistics.hpp"
#include "training/records.hpp"
#include "training/run_events.hpp"
#include "training/run_folder.hpp"
#include "training/run_progress.hpp"
#include "training/run_summary.hpp"
#include "training/trainer.hpp"
#include "training/trainer_state.hpp"

namespace deepmoe {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void expect_usable(const Dataset& dataset, const Architecture& architecture) {
  if (dataset.size() == 0) fail(ErrorCode::invalid_argument, dataset.description(), " holds no images");
  if (dataset.num_classes() > architecture.num_classes()) {
    fail(ErrorCode::invalid_argument, dataset.description(), " has ", dataset.num_classes(),
         " classes, but the model tells ", architecture.num_classes(), " apart; set num_classes");
  }
}

/// The training of one model from where it stands to the last epoch.
class Run {
 public:
  Run(Trainer::Implementation& trainer, std::shared_ptr<const Dataset> train,
      std::shared_ptr<const Dataset> validation, const EventCallback& callback)
      : trainer_(trainer),
        train_(std::move(train)),
        validation_(std::move(validation)),
        events_(callback, *trainer.processes),
        // Process 0 of a distributed run writes for all.
        folder_(trainer.processes->rank() == 0 ? trainer.options.text("out") : std::string()),
        progress_(trainer.options, train_->size(), validation_ ? validation_->size() : 0),
        image_size_(trainer.model->options().integer("image_size")),
        epochs_(trainer.options.integer("epochs")),
        patience_(trainer.options.integer("patience")),
        keep_best_(trainer.options.integer("keep_best")),
        steps_per_epoch_(count_batches(
            train_->size(), training_loader_options(*train_, trainer.options, 0, trainer.shard()))) {
    for (const auto& dataset : {train_, validation_}) {
      if (dataset != nullptr) expect_usable(*dataset, trainer.model->architecture());
    }
    expect_enough_images();
    trainer.model->describe_data(train_->normalization(), train_->class_names());
  }

  ~Run() { trainer_.gate_observer = {}; }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  json operator()() {
    const std::optional<Checkpoint> loaded = std::exchange(trainer_.loaded, std::nullopt);
    const bool goes_on = loaded && loaded->has("run");
    with_libtorch_errors([&] {
      watch_training_gates();
      if (goes_on) go_on(*loaded);
      trainer_.processes->expect_same(concat(progress_.epochs_done, " and ", trainer_.global_step),
                                      "numbers of epochs and steps behind it");
      prepare_folder();
      start_records();
      if (goes_on) records_->load(*loaded);
    });
    events_.report(Event::start, {{"model", trainer_.model->architecture().model},
                                  {"device", trainer_.model->device()},
                                  {"epochs", epochs_},
                                  {"steps_per_epoch", steps_per_epoch_},
                                  {"epochs_done", progress_.epochs_done},
                                  {"steps_done", progress_.batches_done},
                                  {"train_size", train_->size()},
                                  {"validation_size", validation_ ? validation_->size() : 0},
                                  {"rank", trainer_.processes->rank()},
                                  {"processes", trainer_.processes->size()},
                                  {"out", folder_.path()}});
    events_.agree();
    // From here on the run can always go on, and no older one can do so by mistake.
    if (!goes_on && !events_.cancelled()) save_checkpoint(folder_.file("checkpoints/last.safetensors"));
    while (progress_.epochs_done < epochs_ && !stops_early() && !events_.cancelled()) run_epoch();
    if (stops_early()) {
      log(LogLevel::info, concat("stopped after epoch ", progress_.epochs_done, ": no better since epoch ",
                                 progress_.best.best()));
    }
    if (events_.cancelled()) save_checkpoint(folder_.file("checkpoints/last.safetensors"));
    save_weights("last", folder_.file("last.safetensors"));
    events_.agree();
    with_libtorch_errors([&] {
      trainer_.average.finish();
      trainer_.share_buffers();
    });
    json result = run_summary(progress_, trainer_.model->architecture(), image_size_, folder_);
    result["interrupted"] = events_.cancelled();
    result["stopped_early"] = stops_early();
    folder_.write_summary(result);
    if (events_.cancelled()) throw Cancelled(events_.answer());
    return result;
  }

 private:
  void expect_enough_images() const {
    ProcessGroup& processes = *trainer_.processes;
    if (steps_per_epoch_ < 1) {
      fail(ErrorCode::invalid_argument, train_->description(), " holds ", train_->size(),
           " images, too few for ", processes.size(), " processes");
    }
    const std::int64_t validation_size = validation_ ? validation_->size() : 0;
    processes.expect_same(concat(train_->size(), " and ", validation_size), "numbers of images");
  }

  /// Takes up the run whose checkpoint was loaded.
  void go_on(const Checkpoint& loaded) {
    progress_.load(loaded);
    seconds_before_ = progress_.seconds_in_epoch;
    if (training_gates_) training_gates_->load(loaded);
    leave_statistics_to_first();
    if (!progress_.rows.empty()) remember_dead_layers(loaded, progress_.rows.back());
    log(LogLevel::info, concat("going on after epoch ", progress_.epochs_done, " of ", epochs_, " and step ",
                               progress_.batches_done, " of ", steps_per_epoch_));
  }

  void remember_dead_layers(const Checkpoint& loaded, const json& row) {
    if (!row.contains("layers")) return;
    try {
      dead_layers_.remember(row["layers"]);
    } catch (const json::exception&) {
      loaded.refuse("the layers in its metrics are not as they must be");
    }
  }

  void watch_training_gates() {
    if (validation_ || !trainer_.model->architecture().gated()) return;
    // The training steps are all there is to judge the gates by.
    training_gates_.emplace(trainer_.model->architecture(), trainer_.loss_weights.gate_norm,
                            trainer_.network.device());
  }

  void prepare_folder() {
    folder_.prepare("checkpoints");
    if (keep_best_ > 1) folder_.prepare("best");
    // What came after the checkpoint is done again.
    folder_.keep_epochs("checkpoints", [&](std::int64_t epoch) { return epoch <= progress_.epochs_done; });
    folder_.keep_epochs("best", [&](std::int64_t epoch) { return progress_.best.holds(epoch); });
    write_config();
  }

  void start_records() {
    records_.emplace(folder_, trainer_.options, trainer_.network, progress_.rows);
    if (!training_gates_) return;
    trainer_.gate_observer = [this,
                              record = records_->gate_observer()](const std::vector<at::Tensor>& gates) {
      training_gates_->add(gates);
      if (record) record(gates);
    };
  }

  bool stops_early() const {
    return patience_ > 0 && progress_.epochs_without_improvement() >= patience_ &&
           progress_.epochs_done < epochs_;
  }

  void write_config() {
    Options options = trainer_.options;
    options.set("num_classes", std::to_string(trainer_.model->architecture().num_classes()));
    options.set("image_size", std::to_string(image_size_));
    // A network that started from weights has the influence that they came with.
    if (!trainer_.gate_schedule.influence_rises()) {
      options.set("embedding_influence", trainer_.model->options().value("embedding_influence"));
    }
    // Who takes the file as a configuration starts anew.
    options.set("resume", "");
    folder_.write_config(options);
  }

  BatchFeed make_feed() const {
    const Options& options = trainer_.options;
    LoaderOptions loader_options =
        training_loader_options(*train_, options, progress_.epochs_done, trainer_.shard());
    loader_options.first_batch = progress_.batches_done;
    return BatchFeed(train_, training_transform(*train_, image_size_, options), loader_options,
                     trainer_.network.device());
  }

  void run_epoch() {
    const std::int64_t epoch = progress_.epochs_done;
    epoch_start_ = Clock::now();
    seconds_before_ = progress_.seconds_in_epoch;
    if (progress_.batches_done == 0) {
      trainer_.begin_epoch(epoch, steps_per_epoch_);
      trainer_.statistics.reset();
      if (training_gates_) training_gates_->reset();
      progress_.first_learning_rate = trainer_.learning_rate();
    }
    train_epoch();
    const StepStatistics::Means train = with_libtorch_errors([&] {
      trainer_.checked_statistics();
      if (training_gates_ && !events_.cancelled()) training_gates_->gather(*trainer_.processes);
      return trainer_.statistics.read(*trainer_.processes);
    });
    const double train_seconds = seconds_in_epoch();
    json evaluation;
    if (validation_ && !events_.cancelled()) evaluation = evaluate_now();
    if (events_.cancelled()) return;

    json row = {{"epoch", epoch + 1},
                {"lr", progress_.first_learning_rate},
                {"lambda_val", trainer_.lambda_val()},
                {"train_loss", train.loss},
                {"train_acc", train.accuracy}};
    if (validation_) {
      row["val_loss"] = evaluation["loss"];
      row["val_acc"] = evaluation["accuracy"];
      row["val_top5_acc"] = evaluation["top5_accuracy"];
      for (const char* name : {"density", "dense_macs", "active_macs"}) row[name] = evaluation[name];
      add_gate_figures(row, evaluation);
    } else if (training_gates_) {
      add_gate_figures(row, with_libtorch_errors([&] { return training_gates_->read(); }));
    }
    row["seconds"] = seconds_in_epoch();
    row["images_per_second"] = static_cast<double>(train.samples) / train_seconds;
    finish_epoch(row, evaluation);
    if (row.contains("layers")) {
      dead_layers_.check(epoch + 1, validation_ ? validation_->size() : train.samples, row["layers"]);
    }
    row["epochs"] = epochs_;
    events_.report(Event::epoch, row);
    events_.agree();
  }

  /// Weights and records first: a checkpoint that says that they are there is then right, and the run goes on
  /// from an older one if that comes to nothing.
  void finish_epoch(const json& row, const json& evaluation) {
    const bool kept = progress_.finish_epoch(row, evaluation, seconds_in_epoch());
    seconds_before_ = 0.0;
    const std::int64_t epoch = progress_.epochs_done;
    records_->add_epoch(row);
    if (progress_.best.best() == epoch) save_weights("best", folder_.file("best.safetensors"));
    if (kept && keep_best_ > 1) save_weights("best", folder_.epoch_file("best", epoch));
    const std::int64_t every = trainer_.options.integer("checkpoint_epochs");
    if (every > 0 && epoch % every == 0) save_checkpoint(folder_.epoch_file("checkpoints", epoch));
    save_checkpoint(folder_.file("checkpoints/last.safetensors"));
    folder_.keep_epochs("best", [&](std::int64_t other) { return progress_.best.holds(other); });
  }

  void train_epoch() {
    const std::int64_t read_every = trainer_.options.integer("print_every");
    const double checkpoint_seconds = 60.0 * trainer_.options.real("checkpoint_minutes");
    const bool on_cpu = trainer_.network.device().is_cpu();
    BatchFeed feed = make_feed();
    const auto start = Clock::now();
    at::Tensor images, labels;
    std::int64_t samples = 0;
    while (!events_.cancelled() && feed.next(images, labels)) {
      const double lr = trainer_.learning_rate();
      const std::int64_t step = trainer_.step_in_epoch + 1;
      // On the CPU the loss is there anyway; a GPU is only waited for now and then.
      const bool read = on_cpu || step % read_every == 0;
      StepStatistics::Means means;
      with_libtorch_errors([&] {
        trainer_.step(images, labels, false);
        if (read) means = trainer_.checked_statistics();
      });
      samples += labels.size(0) * trainer_.processes->size();
      ++progress_.batches_done;
      if (events_.heard()) {
        json details = {{"epoch", progress_.epochs_done + 1},
                        {"step", step},
                        {"steps", steps_per_epoch_},
                        {"lr", lr},
                        {"images_per_second", static_cast<double>(samples) / seconds_since(start)}};
        if (read) {
          details["loss"] = means.loss;
          details["accuracy"] = means.accuracy;
        }
        events_.report(Event::step, details);
      }
      // Which step it is that a clock tells, process 0 says for all.
      const bool due = checkpoint_seconds > 0.0 && folder_.exists() &&
                       seconds_since(last_checkpoint_) >= checkpoint_seconds;
      if (events_.agree(due) && !events_.cancelled()) {
        save_checkpoint(folder_.file("checkpoints/last.safetensors"));
      }
    }
  }

  /// Of the epoch under way, earlier processes included.
  double seconds_in_epoch() const { return seconds_before_ + seconds_since(epoch_start_); }

  /// Null when the callback asked to stop meanwhile.
  json evaluate_now() {
    try {
      const WeightAverage::InUse averaged(trainer_.average);
      with_libtorch_errors([&] { trainer_.share_buffers(); });
      json result = evaluate_gates(*trainer_.model, validation_, trainer_.options, events_.for_evaluation(),
                                   records_->gate_observer(), trainer_.processes.get());
      events_.agree();
      return result;
    } catch (const Cancelled&) {
      return {};
    }
  }

  void save_weights(const std::string& kind, const std::string& path) {
    if (!folder_.exists()) return;
    with_libtorch_errors([&] {
      const WeightAverage::InUse averaged(trainer_.average);
      trainer_.model->save(path);
    });
    events_.report(Event::saved, {{"kind", kind}, {"path", path}});
  }

  /// All processes save at the same time, and one writes.
  void save_checkpoint(const std::string& path) {
    if (progress_.batches_done > 0) gather_statistics();
    if (!folder_.exists()) return;
    with_libtorch_errors([&] {
      Checkpoint checkpoint;
      save_trainer(trainer_, checkpoint);
      RunProgress progress = progress_;
      if (progress.batches_done > 0) progress.seconds_in_epoch = seconds_in_epoch();
      progress.save(checkpoint);
      if (training_gates_) {
        training_gates_->save(checkpoint);
        records_->save(checkpoint);
      }
      checkpoint.write(path, *trainer_.model);
    });
    last_checkpoint_ = Clock::now();
    events_.report(Event::saved, {{"kind", "checkpoint"}, {"path", path}});
  }

  /// The part of an epoch's figures that there is so far goes to process 0, who writes it down.
  void gather_statistics() {
    with_libtorch_errors([&] {
      trainer_.checked_statistics();
      trainer_.statistics.gather(*trainer_.processes);
      if (training_gates_) training_gates_->gather(*trainer_.processes);
      leave_statistics_to_first();
    });
  }

  void leave_statistics_to_first() {
    if (trainer_.processes->rank() == 0) return;
    trainer_.statistics.reset();
    if (training_gates_) training_gates_->reset();
  }

  Trainer::Implementation& trainer_;
  std::shared_ptr<const Dataset> train_, validation_;
  RunEvents events_;
  RunFolder folder_;
  std::optional<Records> records_;
  std::optional<GateStatistics> training_gates_;  ///< where there is no validation
  DeadLayers dead_layers_{trainer_.options};
  RunProgress progress_;
  std::int64_t image_size_, epochs_, patience_, keep_best_, steps_per_epoch_;
  Clock::time_point epoch_start_ = Clock::now(), last_checkpoint_ = epoch_start_;
  double seconds_before_ = 0.0;  ///< of the epoch under way, in earlier processes
};

}  // namespace

json Trainer::fit(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> validation,
                  const EventCallback& callback) {
  implementation_->expect_own_weights("a run");
  if (implementation_->options.boolean("dry_run")) {
    return dry_run(*implementation_, train, validation, callback);
  }
  return Run(*implementation_, std::move(train), std::move(validation), callback)();
}

}  // namespace deepmoe
