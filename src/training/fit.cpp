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
#include "training/trainer.hpp"

namespace deepmoe {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The training of one model from the first epoch to the last.
class Run {
 public:
  Run(Trainer::Implementation& trainer, std::shared_ptr<const Dataset> train,
      std::shared_ptr<const Dataset> validation, const EventCallback& callback)
      : trainer_(trainer),
        train_(std::move(train)),
        validation_(std::move(validation)),
        callback_(callback),
        folder_(trainer.options.text("out")),
        image_size_(trainer.model->options().integer("image_size")),
        epochs_(trainer.options.integer("epochs")),
        patience_(trainer.options.integer("patience")) {
    const Architecture& architecture = trainer.model->architecture();
    for (const auto& dataset : {train_, validation_}) {
      if (dataset == nullptr) continue;
      if (dataset->size() == 0) fail(ErrorCode::invalid_argument, dataset->description(), " holds no images");
      if (dataset->num_classes() > architecture.num_classes()) {
        fail(ErrorCode::invalid_argument, dataset->description(), " has ", dataset->num_classes(),
             " classes, but the model tells ", architecture.num_classes(), " apart; set num_classes");
      }
    }
    trainer.model->describe_data(train_->normalization(), train_->class_names());
  }

  ~Run() { trainer_.gate_observer = {}; }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  json operator()() {
    write_config();
    with_libtorch_errors([&] { start_records(); });
    steps_per_epoch_ = make_loader(0)->num_batches();
    report(Event::start, {{"model", trainer_.model->architecture().model},
                          {"device", trainer_.model->device()},
                          {"epochs", epochs_},
                          {"steps_per_epoch", steps_per_epoch_},
                          {"train_size", train_->size()},
                          {"validation_size", validation_ ? validation_->size() : 0},
                          {"out", folder_.path()}});
    bool stopped_early = false;
    for (std::int64_t epoch = 0; epoch < epochs_ && !cancelled() && !stopped_early; ++epoch) {
      run_epoch(epoch);
      stopped_early = patience_ > 0 && epoch + 1 - best_epoch_ >= patience_ && epoch + 1 < epochs_;
      if (stopped_early) {
        log(LogLevel::info,
            concat("stopped after epoch ", epoch + 1, ": no better since epoch ", best_epoch_));
      }
    }
    with_libtorch_errors([&] { trainer_.average.finish(); });
    json result = summary();
    result["interrupted"] = cancelled();
    result["stopped_early"] = stopped_early;
    folder_.write_summary(result);
    if (cancelled()) throw Cancelled(answer_);
    return result;
  }

 private:
  bool cancelled() const { return answer_ != 0; }

  /// Hands an event on. A wish to stop is remembered: the work under way is finished first.
  void report(Event event, const json& details) {
    if (!callback_ || cancelled()) return;
    answer_ = callback_(event, details);
  }

  void write_config() {
    Options options = trainer_.options;
    options.set("num_classes", std::to_string(trainer_.model->architecture().num_classes()));
    options.set("image_size", std::to_string(image_size_));
    folder_.write_config(options);
  }

  void start_records() {
    records_.emplace(folder_, trainer_.options, trainer_.network);
    if (validation_ || !trainer_.model->architecture().gated()) return;
    // The training steps are all there is to judge the gates by.
    training_gates_.emplace(trainer_.model->architecture(), trainer_.loss_weights.gate_norm,
                            trainer_.network.device());
    trainer_.gate_observer = [this,
                              record = records_->gate_observer()](const std::vector<at::Tensor>& gates) {
      training_gates_->add(gates);
      if (record) record(gates);
    };
  }

  std::unique_ptr<Loader> make_loader(std::int64_t epoch) const {
    const Options& options = trainer_.options;
    LoaderOptions loader_options;
    loader_options.batch_size = options.integer("batch_size");
    loader_options.shuffle = true;
    loader_options.drop_last = drops_last_image(train_->size(), loader_options.batch_size);
    loader_options.seed = static_cast<std::uint64_t>(options.integer("seed"));
    loader_options.epoch = epoch;
    loader_options.num_workers = options.integer("num_workers");
    loader_options.prefetch = options.integer("prefetch");
    return std::make_unique<Loader>(train_, training_transform(*train_, image_size_, options),
                                    loader_options);
  }

  void run_epoch(std::int64_t epoch) {
    const auto start = Clock::now();
    trainer_.begin_epoch(epoch, steps_per_epoch_);
    trainer_.statistics.reset();
    if (training_gates_) training_gates_->reset();
    const double lr = trainer_.learning_rate();
    train_epoch(epoch, start);
    const StepStatistics::Means train = with_libtorch_errors([&] { return trainer_.checked_statistics(); });
    const double train_seconds = seconds_since(start);

    json row = {{"epoch", epoch + 1},
                {"lr", lr},
                {"lambda_val", trainer_.lambda_val()},
                {"train_loss", train.loss},
                {"train_acc", train.accuracy}};
    json evaluation;
    if (validation_ && !cancelled()) {
      evaluation = evaluate_now();
      if (!evaluation.is_null()) {
        row["val_loss"] = evaluation["loss"];
        row["val_acc"] = evaluation["accuracy"];
        row["val_top5_acc"] = evaluation["top5_accuracy"];
        for (const char* name : {"density", "dense_macs", "active_macs"}) row[name] = evaluation[name];
        add_gates(row, evaluation);
      }
    } else if (training_gates_ && !cancelled()) {
      add_gates(row, with_libtorch_errors([&] { return training_gates_->read(); }));
    }
    row["seconds"] = seconds_since(start);
    row["images_per_second"] = static_cast<double>(train.samples) / train_seconds;
    if (cancelled()) {
      save("last");
      return;
    }
    seconds_ += seconds_since(start);
    epochs_done_ = epoch + 1;
    last_row_ = row;
    records_->add_epoch(row);
    if (row.contains("layers")) {
      dead_layers_.check(epoch + 1, evaluation.is_object() ? validation_->size() : train.samples,
                         row["layers"]);
    }
    save("last");
    if (is_best(row)) {
      best_epoch_ = epoch + 1;
      best_row_ = row;
      best_evaluation_ = evaluation;
      save("best");
    }
    row["epochs"] = epochs_;
    report(Event::epoch, row);
  }

  /// Takes over what `statistics`, of a gated network, say of the gates.
  static void add_gates(json& row, const json& statistics) {
    for (const char* name : {"layers", "experts", "density", "dead_experts", "always_on_experts",
                             "effective_experts", "dead_layers", "gate_loss"}) {
      if (statistics.contains(name)) row[name] = statistics[name];
    }
  }

  void train_epoch(std::int64_t epoch, Clock::time_point start) {
    const std::int64_t read_every = trainer_.options.integer("print_every");
    const at::Device& device = trainer_.network.device();
    const std::unique_ptr<Loader> loader = make_loader(epoch);
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
      if (!callback_) continue;
      json details = {{"epoch", epoch + 1},
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
  }

  /// Null when the callback asked to stop meanwhile.
  json evaluate_now() {
    try {
      const WeightAverage::InUse averaged(trainer_.average);
      return evaluate_gates(*trainer_.model, validation_, trainer_.options, callback_,
                            records_->gate_observer());
    } catch (const Cancelled& cancelled) {
      answer_ = cancelled.answer();
      return {};
    }
  }

  bool is_best(const json& row) const {
    if (best_row_.is_null()) return true;
    if (!row.contains("val_acc")) return row["train_loss"] < best_row_["train_loss"];
    if (trainer_.options.text("early_stop_metric") == "val_loss")
      return row["val_loss"] < best_row_["val_loss"];
    return row["val_acc"] > best_row_["val_acc"];
  }

  void save(const std::string& kind) {
    if (!folder_.exists()) return;
    const std::string path = folder_.file(kind + ".safetensors");
    with_libtorch_errors([&] {
      const WeightAverage::InUse averaged(trainer_.average);
      trainer_.model->save(path);
    });
    report(Event::saved, {{"kind", kind}, {"path", path}});
  }

  json summary() const {
    const Cost network_cost = cost(trainer_.model->architecture(), image_size_);
    json result = {{"epochs", epochs_done_},
                   {"best_epoch", best_epoch_},
                   {"parameters", network_cost.parameters},
                   {"dense_macs", network_cost.dense_macs},
                   {"layers", json::array()}};
    if (epochs_done_ > 0) {
      result["train_loss"] = last_row_["train_loss"];
      result["train_accuracy"] = last_row_["train_acc"];
      result["seconds_per_epoch"] = seconds_ / static_cast<double>(epochs_done_);
      result["images_per_second"] = last_row_["images_per_second"];
    }
    if (best_evaluation_.is_object()) {
      for (const char* name : {"accuracy", "top5_accuracy", "loss", "density", "layers", "active_macs"}) {
        result[name] = best_evaluation_[name];
      }
    }
    if (best_row_.is_object()) add_gates(result, best_row_);
    if (folder_.exists()) {
      result["files"] = {{"config", folder_.file("config.json")}, {"summary", folder_.file("summary.json")}};
      if (epochs_done_ > 0) result["files"]["metrics"] = folder_.file("metrics.csv");
      if (best_epoch_ > 0) result["files"]["best"] = folder_.file("best.safetensors");
      if (trainer_.global_step > 0) result["files"]["last"] = folder_.file("last.safetensors");
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
  std::int64_t image_size_, epochs_, patience_;
  std::int64_t steps_per_epoch_ = 0;
  std::int64_t epochs_done_ = 0, best_epoch_ = 0;
  std::int32_t answer_ = 0;
  double seconds_ = 0.0;
  json last_row_, best_row_, best_evaluation_;
};

}  // namespace

json Trainer::fit(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> validation,
                  const EventCallback& callback) {
  if (implementation_->options.boolean("dry_run")) {
    return dry_run(implementation_->model, implementation_->options, train, validation, callback);
  }
  return Run(*implementation_, std::move(train), std::move(validation), callback)();
}

}  // namespace deepmoe
