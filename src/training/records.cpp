#include "training/records.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/base.hpp"
#include "model/libtorch_errors.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

/// Times stand last, so that two runs can be compared without them.
constexpr std::array<const char*, 16> columns{"epoch",
                                              "lr",
                                              "lambda_val",
                                              "train_loss",
                                              "train_acc",
                                              "val_loss",
                                              "val_acc",
                                              "density",
                                              "dense_macs",
                                              "active_macs",
                                              "dead_experts",
                                              "always_on_experts",
                                              "effective_experts",
                                              "gate_loss",
                                              "seconds",
                                              "images_per_second"};

std::string table_head() {
  std::string head;
  for (const char* column : columns) head += concat(head.empty() ? "" : ",", column);
  return head + "\n";
}

/// JSON has no word for what is not finite, tables do; what was read from a file is null then.
std::string cell(const json& value) {
  if (value.is_null()) return "nan";
  if (value.is_number_float() && !std::isfinite(value.get<double>())) return concat(value.get<double>());
  return value.dump();
}

std::string table_row(const json& row) {
  std::string line;
  for (const char* column : columns) {
    if (column != columns.front()) line += ',';
    if (row.contains(column)) line += cell(row.at(column));
  }
  return line + "\n";
}

AppendedFile start_file(const std::string& path, const std::string& content) {
  write_file_atomically(path, content);
  return AppendedFile(path, content.size());
}

/// TensorBoard puts what stands before the slash over a group of curves.
std::string curve_name(const std::string& figure) {
  constexpr std::array<std::array<const char*, 2>, 9> names{{{"train_loss", "loss/train"},
                                                             {"val_loss", "loss/validation"},
                                                             {"train_acc", "accuracy/train"},
                                                             {"val_acc", "accuracy/validation"},
                                                             {"val_top5_acc", "accuracy/validation_top5"},
                                                             {"density", "experts/density"},
                                                             {"dead_experts", "experts/dead"},
                                                             {"always_on_experts", "experts/always_on"},
                                                             {"effective_experts", "experts/effective"}}};
  for (const auto& [name, curve] : names) {
    if (figure == name) return curve;
  }
  return "run/" + figure;
}

std::vector<NamedScalar> scalars_of(const json& row) {
  std::vector<NamedScalar> scalars;
  for (const auto& [name, value] : row.items()) {
    if (value.is_number() && name != "epoch") scalars.emplace_back(curve_name(name), value.get<double>());
  }
  if (!row.contains("layers")) return scalars;
  for (const json& layer : row.at("layers")) {
    const auto& layer_name = layer.at("name").get_ref<const std::string&>();
    for (const auto& [name, value] : layer.items()) {
      if (!value.is_number() || name == "experts") continue;
      scalars.emplace_back(concat("layer_", name, "/", layer_name), value.get<double>());
    }
  }
  return scalars;
}

}  // namespace

Records::Records(const RunFolder& folder, const Options& options, const Network& network,
                 const std::vector<json>& earlier) {
  if (!folder.exists()) return;
  std::string table = table_head(), lines;
  for (const json& row : earlier) {
    table += table_row(row);
    lines += row.dump() + "\n";
  }
  table_.emplace(start_file(folder.file("metrics.csv"), table));
  lines_.emplace(start_file(folder.file("metrics.jsonl"), lines));
  if (!options.boolean("tensorboard")) return;
  events_.emplace(folder.path(), static_cast<std::int64_t>(earlier.size()) + 1);
  if (network.architecture().gated()) histograms_.emplace(network.architecture(), network.device());
}

GateObserver Records::gate_observer() {
  if (!histograms_) return {};
  return [this](const std::vector<at::Tensor>& gates) { histograms_->add(gates); };
}

void Records::save(Checkpoint& checkpoint) const {
  if (histograms_) histograms_->save(checkpoint);
}

void Records::load(const Checkpoint& checkpoint) {
  if (histograms_) histograms_->load(checkpoint);
}

void Records::add_epoch(const json& row) {
  if (table_) table_->append(table_row(row));
  if (lines_) lines_->append(row.dump() + "\n");
  if (!events_) return;
  std::vector<NamedHistogram> histograms;
  if (histograms_) {
    histograms = with_libtorch_errors([&] { return histograms_->read(); });
    histograms_->reset();
    for (NamedHistogram& histogram : histograms) histogram.name = "gates/" + histogram.name;
  }
  events_->add(row.at("epoch").get<std::int64_t>(), scalars_of(row), histograms);
}

std::vector<json> read_epochs(const std::string& folder, std::int64_t epochs) {
  const std::string path = folder + "/metrics.jsonl";
  std::istringstream lines(read_file(path));
  std::vector<json> rows;
  for (std::string line; std::ssize(rows) < epochs && std::getline(lines, line);) {
    rows.push_back(json::parse(line, nullptr, /*allow_exceptions=*/false));
    const json& row = rows.back();
    if (!row.is_object() || row.value("epoch", json()) != std::ssize(rows)) {
      fail(ErrorCode::format, "line ", rows.size(), " of '", path, "' is not the record of epoch ",
           rows.size());
    }
  }
  if (std::ssize(rows) < epochs) {
    fail(ErrorCode::format, "'", path, "' holds ", rows.size(), " epochs, but ", epochs, " were done");
  }
  return rows;
}

}  // namespace deepmoe
