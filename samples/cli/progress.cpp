#include "progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <limits>

#include "deepmoe.h"
#include "summary.hpp"
#include "text.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::milliseconds drawing_interval{100};
constexpr std::size_t narrowest_bar = 5, widest_bar = 20;
/// From this width on, words are written out.
constexpr std::size_t wide_terminal = 110;
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

std::size_t terminal_columns() {
  winsize size = {};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
  return known ? size.ws_col : 80;
}

std::string short_number(double number) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.3g", number);
  return buffer;
}

}  // namespace

Progress::Progress(std::int64_t print_every)
    : terminal_(isatty(STDERR_FILENO) != 0),
      print_every_(std::max<std::int64_t>(print_every, 1)),
      start_(Clock::now()),
      last_drawing_(start_ - drawing_interval),
      loss_(unknown),
      accuracy_(unknown) {}

void Progress::show(std::int32_t event, const ordered_json& details) {
  if (event == DMOE_EVENT_START) show_start(details);
  if (event == DMOE_EVENT_STEP) show_step(details);
  if (event == DMOE_EVENT_EPOCH) show_epoch(details);
  if (event == DMOE_EVENT_VALIDATION) show_validation(details);
  if (event == DMOE_EVENT_FETCH) show_fetch(details);
}

void Progress::clear() {
  if (line_stands_) std::cerr << "\r\x1b[K" << std::flush;
  line_stands_ = false;
}

void Progress::print(const std::string& line) {
  clear();
  std::cerr << line + "\n" << std::flush;
}

void Progress::replace(const std::string& line) {
  const auto now = Clock::now();
  if (now - last_drawing_ < drawing_interval) return;
  last_drawing_ = now;
  line_stands_ = true;
  // A line as wide as the terminal would break, and then not be replaced.
  std::cerr << "\r" + line.substr(0, terminal_columns() - 1) + "\x1b[K" << std::flush;
}

void Progress::show_start(const ordered_json& details) {
  epochs_ = static_cast<std::int64_t>(number_or(details, "epochs", 1));
  steps_ = static_cast<std::int64_t>(number_or(details, "steps_per_epoch", 1));
  const auto epochs_done = static_cast<std::int64_t>(number_or(details, "epochs_done", 0));
  const auto steps_done = static_cast<std::int64_t>(number_or(details, "steps_done", 0));
  steps_before_ = epochs_done * steps_ + steps_done;
  start_ = Clock::now();
  std::string line = "training " + details.value("model", std::string("a model")) + " on " +
                     details.value("device", std::string("cpu")) + ": " +
                     grouped(static_cast<std::int64_t>(number_or(details, "train_size", 0))) + " images, " +
                     grouped(static_cast<std::int64_t>(number_or(details, "validation_size", 0))) +
                     " for validation, " + std::to_string(epochs_) +
                     (epochs_ == 1 ? " epoch of " : " epochs of ") + std::to_string(steps_) +
                     (steps_ == 1 ? " step" : " steps");
  if (steps_before_ > 0) {
    line +=
        ", going on after epoch " + std::to_string(epochs_done) + " and step " + std::to_string(steps_done);
  }
  if (const std::string out = details.value("out", std::string()); !out.empty()) line += ", into " + out;
  print(line);
}

void Progress::show_step(const ordered_json& details) {
  epoch_ = static_cast<std::int64_t>(number_or(details, "epoch", 1));
  step_ = static_cast<std::int64_t>(number_or(details, "step", 0));
  steps_ = std::max<std::int64_t>(static_cast<std::int64_t>(number_or(details, "steps", 1)), 1);
  lr_ = number_or(details, "lr", lr_);
  images_per_second_ = number_or(details, "images_per_second", images_per_second_);
  loss_ = number_or(details, "loss", loss_);
  accuracy_ = number_or(details, "accuracy", accuracy_);
  if (terminal_) {
    replace(step_text());
  } else if (step_ % print_every_ == 0) {
    print(step_text());
  }
}

std::string Progress::step_text() const {
  const std::size_t columns = terminal_ ? terminal_columns() - 1 : 0;
  const bool brief = terminal_ && columns < wide_terminal;
  const std::string epoch = "epoch " + std::to_string(epoch_) + "/" + std::to_string(epochs_);
  std::string rest = (brief ? " " : " step ") + std::to_string(step_) + "/" + std::to_string(steps_);
  if (std::isfinite(loss_)) rest += "  loss " + fixed(loss_, brief ? 3 : 4);
  if (std::isfinite(accuracy_)) rest += (brief ? "  " : "  accuracy ") + percent(accuracy_, 1);
  rest +=
      "  " + fixed(images_per_second_, 0) + (brief ? " img/s  lr " : " images/s  lr ") + short_number(lr_);
  rest += "  ETA " + duration(remaining_seconds());
  const std::size_t used = epoch.size() + rest.size() + 3;
  if (used + narrowest_bar > columns) return epoch + rest;
  const double share = static_cast<double>(step_) / static_cast<double>(steps_);
  return epoch + " [" + bar(share, std::min(columns - used, widest_bar)) + "]" + rest;
}

double Progress::remaining_seconds() const {
  const double done = static_cast<double>((epoch_ - 1) * steps_ + step_ - steps_before_);
  const double all = static_cast<double>(epochs_ * steps_ - steps_before_);
  if (done <= 0) return 0;
  return std::chrono::duration<double>(Clock::now() - start_).count() * (all - done) / done;
}

void Progress::show_epoch(const ordered_json& details) {
  epoch_ = static_cast<std::int64_t>(number_or(details, "epoch", static_cast<double>(epoch_)));
  std::string line = "epoch " + std::to_string(epoch_) + "/" + std::to_string(epochs_) + " done";
  const auto add = [&](const char* key, const std::string& label, auto format) {
    if (has_number(details, key)) line += label + format(details.at(key).get<double>());
  };
  const auto as_loss = [](double loss) { return fixed(loss, 4); };
  const auto as_percent = [](double share) { return percent(share, 1); };
  add("train_loss", "  loss ", as_loss);
  add("train_acc", "  accuracy ", as_percent);
  add("val_loss", "  validation loss ", as_loss);
  add("val_acc", "  accuracy ", as_percent);
  add("density", "  density ", [](double density) { return fixed(density, 3); });
  if (const std::string experts = expert_text(details); !experts.empty()) line += "  " + experts;
  add("seconds", "  ", [](double seconds) { return duration(seconds); });
  print(line);
  loss_ = accuracy_ = unknown;
}

void Progress::show_validation(const ordered_json& details) {
  if (!terminal_) return;
  const double done = number_or(details, "done", 0),
               samples = std::max(number_or(details, "samples", 1), 1.0);
  replace(
      (epoch_ > 0 ? "epoch " + std::to_string(epoch_) + "/" + std::to_string(epochs_) + " " : std::string()) +
      "[" + bar(done / samples, widest_bar) + "] evaluated " + fixed(done, 0) + "/" + fixed(samples, 0));
}

void Progress::show_fetch(const ordered_json& details) {
  const std::string stage = details.at("stage");
  const double done = number_or(details, "done", 0), total = number_or(details, "total", 0);
  const bool begins = stage != stage_;
  if (begins) {
    clear();
    stage_ = stage;
    stage_begin_ = done;
    stage_tenths_ = 0;
    start_ = Clock::now();
  }
  const double share = total > 0 ? std::min(done / total, 1.0) : 0;
  std::string line = stage == "download" ? "downloading" : stage == "check" ? "checking" : "unpacking";
  if (total > 0) line += " " + fixed(done / 1e6, 1) + " of " + fixed(total / 1e6, 1) + " MB";
  if (terminal_) {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    if (seconds > 1) line += "  " + fixed((done - stage_begin_) / 1e6 / seconds, 1) + " MB/s";
    replace((total > 0 ? "[" + bar(share, widest_bar) + "] " : std::string()) + line);
    return;
  }
  const int tenths = static_cast<int>(share * 10);
  if (begins || tenths > stage_tenths_) print(line);
  stage_tenths_ = std::max(tenths, stage_tenths_);
}

}  // namespace deepmoe::command
