#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "options/options.hpp"
#include "training/best_epochs.hpp"
#include "training/checkpoint.hpp"

namespace deepmoe {

/// How far a run is, besides what its trainer knows. A plain value.
struct RunProgress {
  /// Before the first epoch of a run over so many images, of which the best epochs are found as `options`
  /// say.
  RunProgress(const Options& options, std::int64_t train_images, std::int64_t validation_images);

  std::int64_t train_size, validation_size;
  std::int64_t epochs_done = 0;
  std::int64_t batches_done = 0;     ///< of the epoch under way
  double first_learning_rate = 0.0;  ///< of the epoch under way
  double seconds_in_epoch = 0.0;     ///< of the epoch under way
  double seconds = 0.0;              ///< of the epochs that are done
  std::vector<nlohmann::json> rows;  ///< of the epochs that are done, as metrics.csv has them
  BestEpochs best;
  nlohmann::json best_evaluation;  ///< what `evaluate` said of the best epoch, or null

  /// Epochs since the best one; those in which gates were still on the way to what they shall be do not
  /// count.
  std::int64_t epochs_without_improvement() const;

  /// Enters a finished epoch. Says whether its weights are to be kept: epochs before the gates were what they
  /// shall be are never the best (first_settled_epoch).
  bool finish_epoch(const nlohmann::json& row, const nlohmann::json& evaluation, double epoch_seconds);

  /// Section "run" of a checkpoint.
  void save(Checkpoint& checkpoint) const;
  /// Takes that section over. Errors: format for a damaged one; invalid_argument when the data sets have
  /// other sizes than then.
  void load(const Checkpoint& checkpoint);

 private:
  double measure(const nlohmann::json& row) const;
  bool add_to_best(std::int64_t epoch);
  void find_best();

  const char* measure_name_;
  std::int64_t first_settled_epoch_;
};

}  // namespace deepmoe
