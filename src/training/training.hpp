#pragma once

/// The door of src/training: optimisation steps, whole runs and evaluation. No LibTorch header is needed to
/// use it.

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/base.hpp"
#include "data/data.hpp"
#include "model/model.hpp"

namespace deepmoe {

class Engine;
class ProcessGroup;

/// What fit and evaluate report; the values are those of the DMOE_EVENT_* constants of the C ABI.
enum class Event : std::int32_t { start = 1, step = 2, epoch = 3, saved = 4, validation = 5 };

/// Receives an event and its details. A non-zero answer cancels: the step under way is finished, everything
/// is saved, and the call throws Cancelled with the answer.
using EventCallback = std::function<std::int32_t(Event, const nlohmann::json& details)>;

/// Thrown when a callback asked to stop.
class Cancelled : public Error {
 public:
  explicit Cancelled(std::int32_t answer)
      : Error(ErrorCode::cancelled, concat("stopped, as the callback asked (it returned ", answer, ")")),
        answer_(answer) {}
  std::int32_t answer() const noexcept { return answer_; }

 private:
  std::int32_t answer_;
};

/// Trains one model. One thread at a time; the model must not be used elsewhere during a call.
class Trainer {
 public:
  /// Trains together with `processes`; by default with those that a launcher has started together with this
  /// one, as option `distributed` says. Then every process calls the constructor, begin_epoch, step, metrics,
  /// load_state and fit as the others do. Errors: invalid_argument for options that do not fit together,
  /// naming them.
  Trainer(std::shared_ptr<Model> model, const Options& options,
          std::shared_ptr<ProcessGroup> processes = nullptr);
  ~Trainer();

  /// For a loop of the host's own: tells the schedule where training is. Without it the learning rate stays
  /// `lr`.
  void begin_epoch(std::int64_t epoch, std::int64_t steps_per_epoch);

  /// One optimisation step (with gradient_accumulation k: a k-th of one) on images (N, 3, H, W), f32
  /// normalised or u8, and labels (N) i64. Reads the loss back only when `loss` is not null, since that waits
  /// for the device. A loss that is not finite is an Error(numeric); without `loss` it is found at the next
  /// read.
  void step(const SharedTensor& images, const SharedTensor& labels, double* loss);

  /// {"step", "epoch", "lr", "lambda_val", "loss", "accuracy", "samples"}: means since the last call, of all
  /// processes, which are then reset; lr and lambda_val are those of the next step.
  nlohmann::json metrics();

  /// Where the trainer is: steps done in all, the epoch (-1: in none), and steps done in it.
  struct Position {
    std::int64_t step = 0, epoch = -1, step_in_epoch = 0;
  };
  Position position() const;

  /// Writes all that future steps depend on (see checkpoint.hpp), replacing an older file when complete.
  void save_state(const std::string& path) const;
  /// Gives the model the averaged weights of option `ema`, to be evaluated or saved, or its own back. Until
  /// then steps, runs, and saving or loading the state are an Error(state); when the trainer is gone the
  /// model keeps what it has. Errors: invalid_argument without `ema`.
  void use_average(bool averaged);

  /// Goes on from what save_state or a run wrote, with the same network and options (but see
  /// resumable_options.hpp): on the CPU the next steps are those of that trainer, bit for bit, and a `fit`
  /// that follows at once is the rest of that run. All or nothing. Errors: not_found, io, format, unsupported
  /// (a newer version), invalid_argument naming what differs. Option `resume` does the same at the start.
  void load_state(const std::string& path);

  /// A whole run: epochs over `train`, validation after each (when given), and, where option `out` names a
  /// folder, its files in it (see run_folder.hpp; with option `dry_run` see dry_run.hpp). With option `ema`,
  /// the averaged weights are what is validated and saved as weights, and what the model has afterwards.
  /// Returns the summary: accuracy, densities, MACs, seconds an epoch, files.
  nlohmann::json fit(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> validation,
                     const EventCallback& callback);

  const std::shared_ptr<Model>& model() const;

  struct Implementation;  // trainer.hpp, for src/training only

 private:
  std::unique_ptr<Implementation> implementation_;
};

/// Evaluates on every image of a data set, never augmenting. Options read: batch_size, num_workers, prefetch,
/// lambda_val, mu, gate_norm, amp. Returns {"samples", "loss", "accuracy", "top5_accuracy", "density",
/// "layers":
/// [...], "dense_macs", "active_macs", "seconds", "images_per_second"}, and for a gated network what
/// GateStatistics::read tells; MACs are means per image.
nlohmann::json evaluate(Model& model, std::shared_ptr<const Dataset> dataset, const Options& options,
                        const EventCallback& callback);

/// The same by an engine, on its threads; results are the model's own up to rounding.
nlohmann::json evaluate(const Engine& engine, std::shared_ptr<const Dataset> dataset, const Options& options,
                        const EventCallback& callback);

/// Which experts compact_model removes.
struct CompactionSettings {
  double min_utilisation = 0.0;  ///< remove experts that fewer than this share of the images use, too; 0..1
  std::vector<std::int64_t> classes = {};  ///< count images of these classes only; empty: every image
};

/// Makes a smaller model without the experts that none of the calibration images uses (or hardly any, see
/// CompactionSettings), see compaction.hpp. With min_utilisation 0 its results for the calibration images are
/// the model's own up to rounding. Both are evaluated; options read and events are those of evaluate, which
/// are reported twice. `report` receives {"samples", "classes", "min_utilisation", "layers": [{"name",
/// "experts", "inactive", "kept", "silent", "reason", "utilisation"}], "before" and "after": {"experts",
/// "parameters", "dense_macs", "active_macs", "density", "accuracy", "top5_accuracy", "loss"}}, where
/// `classes` is null for all and `utilisation` holds each expert's share of the images for which its gate is
/// not 0. Errors: invalid_argument for a dense model, an unknown class, no image to count, or min_utilisation
/// out of range; numeric for gates that are NaN.
std::shared_ptr<Model> compact_model(Model& model, std::shared_ptr<const Dataset> calibration,
                                     const CompactionSettings& settings, const Options& options,
                                     const EventCallback& callback, nlohmann::json& report);

}  // namespace deepmoe
