#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace deepmoe::command {

/// Shows on the standard error stream how far a training, an evaluation or a download is: on a terminal one
/// line that changes, and one that stays for each epoch; elsewhere a line every `print_every` steps and one
/// for each epoch.
class Progress {
 public:
  explicit Progress(std::int64_t print_every);

  /// One event of the library (DMOE_EVENT_*).
  void show(std::int32_t event, const nlohmann::ordered_json& details);
  /// Takes the changing line away.
  void clear();
  std::int64_t epoch() const { return epoch_; }
  std::int64_t step() const { return step_; }

 private:
  void show_start(const nlohmann::ordered_json& details);
  void show_step(const nlohmann::ordered_json& details);
  void show_epoch(const nlohmann::ordered_json& details);
  void show_validation(const nlohmann::ordered_json& details);
  void show_fetch(const nlohmann::ordered_json& details);
  void print(const std::string& line);
  void replace(const std::string& line);
  std::string step_text() const;
  double remaining_seconds() const;

  using Clock = std::chrono::steady_clock;
  const bool terminal_;
  const std::int64_t print_every_;
  Clock::time_point start_, last_drawing_;
  std::int64_t epochs_ = 1, epoch_ = 0, step_ = 0, steps_ = 1;
  std::int64_t steps_before_ = 0;  ///< of a run that goes on
  double lr_ = 0, images_per_second_ = 0, loss_, accuracy_;
  bool line_stands_ = false;
  std::string stage_;  ///< of a download
  double stage_begin_ = 0;
  int stage_tenths_ = 0;
};

}  // namespace deepmoe::command
