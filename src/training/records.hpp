#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "options/options.hpp"
#include "storage/storage.hpp"
#include "training/checkpoint.hpp"
#include "training/evaluation.hpp"
#include "training/event_file.hpp"
#include "training/gate_histograms.hpp"
#include "training/run_folder.hpp"

namespace deepmoe {

/// What a run's folder tells about each epoch, added when the epoch is done: metrics.csv (a row of the
/// figures of the whole network), metrics.jsonl (a JSON object with those of each layer, too) and, where
/// option `tensorboard` is on, an event file with scalars and histograms of the gates. Without a folder
/// nothing is written.
class Records {
 public:
  /// Starts the files. `earlier` holds the rows of the epochs of a run that goes on after them (see
  /// read_epochs).
  Records(const RunFolder& folder, const Options& options, const Network& network,
          const std::vector<nlohmann::json>& earlier = {});

  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;

  /// Is to be shown the gates of the images by which an epoch is judged. Empty where they are not recorded.
  GateObserver gate_observer();

  /// What was shown of the epoch under way, in a checkpoint; and goes on from there. Errors: format.
  void save(Checkpoint& checkpoint) const;
  void load(const Checkpoint& checkpoint);

  /// Adds an epoch: {"epoch", "lr", "train_loss", ..., "layers": [...]}. On an error, which names the file,
  /// what was in it before is still there.
  void add_epoch(const nlohmann::json& row);

 private:
  std::optional<AppendedFile> table_, lines_;
  std::optional<EventFile> events_;
  std::optional<GateHistograms> histograms_;
};

/// The rows of the first `epochs` epochs in the metrics.jsonl of `folder`. Errors name the file.
std::vector<nlohmann::json> read_epochs(const std::string& folder, std::int64_t epochs);

}  // namespace deepmoe
