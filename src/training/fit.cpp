#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/base.hpp"
#include "model/libtorch_errors.hpp"
#include "training/dead_layers.hpp"
#include "training/dry_run.hpp"
#include "training/gate_statistics.hpp"
#include "training/records.hpp"
#include "training/run_folder.hpp"
#include "training/run_progress.hpp"
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
        callback_(callback),
        // Process 0 of a distributed run writes for all.
        folder_(trainer.processes->rank() == 0 ? trainer.options.text("out") : std::string()),
        progress_(trainer.options, train_->size(), validation_ ? validation_->size() : 0),
        image_size_(trainer.model->options().integer("image_size")),
        epochs_(trainer.options.integer("epochs")),
        patience_(trainer.options.integer("patience")),
        keep_best_(trainer.options.integer("keep_best")),
        steps_per_epoch_(
            count_batches(train_->size(), training_loader_options(*train_, trainer.options, 0, shard()))) {
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
      prepare_folder();
      start_records();
      if (goes_on) records_->load(*loaded);
    });
    report(Event::start, {{"model", trainer_.model->architecture().model},
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
    agree();
    // From here on the run can always go on, and no older one can do so by mistake.
    if (!goes_on && !cancelled()) save_checkpoint(folder_.file("checkpoints/last.safetensors"));
    while (progress_.epochs_done < epochs_ && !stops_early() && !cancelled()) run_epoch();
    if (stops_early()) {
      log(LogLevel::info, concat("stopped after epoch ", progress_.epochs_done, ": no better since epoch ",
                                 progress_.best.best()));
    }
    if (cancelled()) save_checkpoint(folder_.file("checkpoints/last.safetensors"));
    save_weights("last", folder_.file("last.safetensors"));
    with_libtorch_errors([&] {
      trainer_.average.finish();
      trainer_.share_buffers();
    });
    json result = summary();
    result["interrupted"] = cancelled();
    result["stopped_early"] = stops_early();
    folder_.write_summary(result);
    if (cancelled()) throw Cancelled(answer_);
    return result;
  }

 private:
  /// What this process of a distributed run trains on.
  Shard shard() const { return {trainer_.processes->rank(), trainer_.processes->size(), true}; }

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
    return patience_ > 0 && progress_.epochs_done - progress_.best.best() >= patience_ &&
           progress_.epochs_done < epochs_;
  }

  bool cancelled() const { return answer_ != 0; }

  /// Hands an event on. A wish to stop is remembered: the work under way is finished first.
  void report(Event event, const json& details) {
    if (!callback_ || cancelled()) return;
    answer_ = callback_(event, details);
  }

  /// Lets all processes of a distributed run stop where one was asked to.
  void agree() {
    if (!trainer_.processes->alone()) answer_ = with_libtorch_errors([&] { return all_answers(); });
  }
  std::int32_t all_answers() const {
    // A negative answer is one, too.
    const std::int64_t highest = trainer_.processes->largest(answer_);
    return static_cast<std::int32_t>(highest != 0 ? highest : -trainer_.processes->largest(-answer_));
  }

  void write_config() {
    Options options = trainer_.options;
    options.set("num_classes", std::to_string(trainer_.model->architecture().num_classes()));
    options.set("image_size", std::to_string(image_size_));
    // Who takes the file as a configuration starts anew.
    options.set("resume", "");
    folder_.write_config(options);
  }

  std::unique_ptr<Loader> make_loader() const {
    const Options& options = trainer_.options;
    LoaderOptions loader_options = training_loader_options(*train_, options, progress_.epochs_done, shard());
    loader_options.first_batch = progress_.batches_done;
    return std::make_unique<Loader>(train_, training_transform(*train_, image_size_, options),
                                    loader_options);
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
      if (training_gates_ && !cancelled()) training_gates_->gather(*trainer_.processes);
      return trainer_.statistics.read(*trainer_.processes);
    });
    const double train_seconds = seconds_in_epoch();
    json evaluation;
    if (validation_ && !cancelled()) evaluation = evaluate_now();
    if (cancelled()) return;

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
      add_gates(row, evaluation);
    } else if (training_gates_) {
      add_gates(row, with_libtorch_errors([&] { return training_gates_->read(); }));
    }
    row["seconds"] = seconds_in_epoch();
    row["images_per_second"] = static_cast<double>(train.samples) / train_seconds;
    finish_epoch(row, evaluation);
    if (row.contains("layers")) {
      dead_layers_.check(epoch + 1, validation_ ? validation_->size() : train.samples, row["layers"]);
    }
    row["epochs"] = epochs_;
    report(Event::epoch, row);
    agree();
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

  /// Takes over what `statistics`, of a gated network, say of the gates.
  static void add_gates(json& row, const json& statistics) {
    for (const char* name : {"layers", "experts", "density", "dead_experts", "always_on_experts",
                             "effective_experts", "dead_layers", "gate_loss", "gate_metrics"}) {
      if (statistics.contains(name)) row[name] = statistics[name];
    }
  }

  void train_epoch() {
    const std::int64_t read_every = trainer_.options.integer("print_every");
    const double checkpoint_seconds = 60.0 * trainer_.options.real("checkpoint_minutes");
    const at::Device& device = trainer_.network.device();
    const std::unique_ptr<Loader> loader = make_loader();
    const auto start = Clock::now();
    Batch batch;
    std::int64_t samples = 0;
    while (!cancelled() && loader->next(batch)) {
      const double lr = trainer_.learning_rate();
      const std::int64_t step = trainer_.step_in_epoch + 1;
      // On the CPU the loss is there anyway; a GPU is only waited for now and then.
      const bool read = device.is_cpu() || step % read_every == 0;
      StepStatistics::Means means;
      with_libtorch_errors([&] {
        const at::Tensor images = at::from_blob(const_cast<float*>(batch.images),
                                                {batch.size, 3, image_size_, image_size_}, at::kFloat);
        const at::Tensor labels =
            at::from_blob(const_cast<std::int64_t*>(batch.labels), {batch.size}, at::kLong);
        trainer_.step(images.to(device), labels.to(device), false);
        if (read) means = trainer_.checked_statistics();
      });
      samples += batch.size;
      ++progress_.batches_done;
      if (callback_) {
        json details = {{"epoch", progress_.epochs_done + 1},
                        {"step", step},
                        {"steps", steps_per_epoch_},
                        {"lr", lr},
                        {"images_per_second", static_cast<double>(samples) / seconds_since(start)}};
        if (read) {
          details["loss"] = means.loss;
          details["accuracy"] = means.accuracy;
        }
        report(Event::step, details);
      }
      agree();
      if (checkpoint_seconds > 0.0 && seconds_since(last_checkpoint_) >= checkpoint_seconds && !cancelled()) {
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
      json result = evaluate_gates(*trainer_.model, validation_, trainer_.options, validation_callback(),
                                   records_->gate_observer(), trainer_.processes.get());
      agree();
      return result;
    } catch (const Cancelled& cancelled) {
      answer_ = cancelled.answer();
      return {};
    }
  }

  /// In a distributed run all processes come to the end of an evaluation, or the others would wait for this
  /// one.
  EventCallback validation_callback() {
    if (!callback_ || trainer_.processes->alone()) return callback_;
    return [this](Event event, const json& details) -> std::int32_t {
      report(event, details);
      return 0;
    };
  }

  void save_weights(const std::string& kind, const std::string& path) {
    if (!folder_.exists()) return;
    with_libtorch_errors([&] {
      const WeightAverage::InUse averaged(trainer_.average);
      trainer_.model->save(path);
    });
    report(Event::saved, {{"kind", kind}, {"path", path}});
  }

  void save_checkpoint(const std::string& path) {
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
    report(Event::saved, {{"kind", "checkpoint"}, {"path", path}});
  }

  json summary() const {
    const Cost network_cost = cost(trainer_.model->architecture(), image_size_);
    json result = {{"epochs", progress_.epochs_done},
                   {"best_epoch", progress_.best.best()},
                   {"parameters", network_cost.parameters},
                   {"dense_macs", network_cost.dense_macs},
                   {"layers", json::array()}};
    if (progress_.epochs_done > 0) {
      const json& last_row = progress_.rows.back();
      result["train_loss"] = last_row["train_loss"];
      result["train_accuracy"] = last_row["train_acc"];
      result["seconds_per_epoch"] = progress_.seconds / static_cast<double>(progress_.epochs_done);
      result["images_per_second"] = last_row["images_per_second"];
    }
    if (progress_.best_evaluation.is_object()) {
      for (const char* name : {"accuracy", "top5_accuracy", "loss", "density", "layers", "active_macs"}) {
        result[name] = progress_.best_evaluation[name];
      }
    }
    if (progress_.best.best() > 0) {
      add_gates(result, progress_.rows[static_cast<std::size_t>(progress_.best.best()) - 1]);
    }
    if (folder_.exists()) {
      result["files"] = {{"config", folder_.file("config.json")},
                         {"summary", folder_.file("summary.json")},
                         {"last", folder_.file("last.safetensors")}};
      if (progress_.epochs_done > 0) result["files"]["metrics"] = folder_.file("metrics.csv");
      if (progress_.best.best() > 0) result["files"]["best"] = folder_.file("best.safetensors");
    }
    return result;
  }

  Trainer::Implementation& trainer_;
  std::shared_ptr<const Dataset> train_, validation_;
  const EventCallback& callback_;
  RunFolder folder_;
  std::optional<Records> records_;
  std::optional<GateStatistics> training_gates_;  ///< where there is no validation
  DeadLayers dead_layers_{trainer_.options};
  RunProgress progress_;
  std::int64_t image_size_, epochs_, patience_, keep_best_, steps_per_epoch_;
  std::int32_t answer_ = 0;
  Clock::time_point epoch_start_ = Clock::now(), last_checkpoint_ = epoch_start_;
  double seconds_before_ = 0.0;  ///< of the epoch under way, in earlier processes
};

}  // namespace

json Trainer::fit(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> validation,
                  const EventCallback& callback) {
  implementation_->expect_own_weights("a run");
  if (implementation_->options.boolean("dry_run")) {
    return dry_run(implementation_->model, implementation_->options, train, validation, callback);
  }
  return Run(*implementation_, std::move(train), std::move(validation), callback)();
}

}  // namespace deepmoe
