#include "training/run_folder.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/base.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

/// Times stand last, so that two runs can be compared without them.
constexpr std::array<const char*, 11> metric_columns{
    "epoch",   "lr",         "train_loss",  "train_acc", "val_loss",         "val_acc",
    "density", "dense_macs", "active_macs", "seconds",   "images_per_second"};

}  // namespace

RunFolder::RunFolder(std::string path) : path_(std::move(path)) {
  if (!exists()) return;
  make_folder(path_);
  for (const char* column : metric_columns) {
    if (!metrics_.empty()) metrics_ += ',';
    metrics_ += column;
  }
  metrics_ += '\n';
}

void RunFolder::write_config(const Options& options) const {
  if (exists()) write_file_atomically(file("config.json"), options.resolved().dump(2) + "\n");
}

void RunFolder::add_metrics(const nlohmann::json& row) {
  if (!exists()) return;
  std::string line;
  for (const char* column : metric_columns) {
    if (column != metric_columns.front()) line += ',';
    if (row.contains(column)) line += row.at(column).dump();
  }
  metrics_ += line + "\n";
  write_file_atomically(file("metrics.csv"), metrics_);
}

void RunFolder::write_summary(const nlohmann::json& summary) const {
  if (exists()) write_file_atomically(file("summary.json"), summary.dump(2) + "\n");
}

}  // namespace deepmoe
