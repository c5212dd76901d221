#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "analysis/collection.hpp"
#include "analysis/removal.hpp"
#include "analysis/report_classes.hpp"
#include "analysis/report_drift.hpp"
#include "analysis/run_curves.hpp"

namespace deepmoe {

/// What a report is labelled with.
struct ReportLabels {
  std::string model;                     ///< the network's name
  std::string data;                      ///< what the images were, e.g. "folder /data/cifar10 (test)"
  std::vector<std::string> class_names;  ///< for each class of the network
  std::string weights;                   ///< the safetensors file of the network; may be empty
  std::string compact_command;           ///< what removes the dead experts
};

/// Everything that a report says. What the figures are labelled with stands beside them.
struct Report : ReportLabels {
  Report(Collection figures, ReportLabels labels);

  Collection collection;
  ClassRouting routing;                    ///< of the collection
  Removal removal;                         ///< of the experts whose gate is 0 for every image
  std::vector<ThresholdPoint> thresholds;  ///< may be empty
  RunCurves run;                           ///< of the training; may be empty
  std::optional<ReportDrift> drift;        ///< from an earlier state of the network
  std::vector<std::string> notes;  ///< what is left out and why, besides what the figures themselves tell
};

/// Receives one row of a table.
using RowReceiver = std::function<void(const std::vector<std::string>& cells)>;

/// A table of text cells, every row as long as the headings. Rows are made while they are asked for, as a
/// large table is best not held in memory; the report must live as long.
struct ReportTable {
  std::string name;  ///< of the file, without ".csv"
  std::vector<std::string> headings;
  std::function<void(const RowReceiver&)> rows;
};

/// Experts are called redundant when their activity correlates this much with an earlier one's.
inline constexpr double redundant_correlation = 0.95;
/// Pairs of them that a report lists for each layer.
inline constexpr std::int64_t listed_pairs = 20;

/// {"format": "deepmoe-report", "version": 1, ...}. A newer minor change only adds members; what changes or
/// goes away raises the version. Figures that are not defined are null. Members: "model", "data", "samples",
/// "threshold", "num_classes", "class_names", "notes" (what is not defined, in words), "metrics", "macs" (of
/// one image, gates taken as 0 up to the threshold), "experts", "density", "dead_experts",
/// "always_on_experts", "redundant_experts", "layers" (each with its experts' utilisation, mean gate and
/// information in bits), "removal", "compact_command", "classes", "class_order", "embedding", "thresholds",
/// "run" and "drift". The matrices are in report_tables.
nlohmann::json report_json(const Report& report);

/// layers, experts, redundancy, classes, confusion, class_activation (a row for each expert),
/// class_similarity (in the hierarchical order), reliability, macs, embedding and thresholds; with a drift,
/// drift_layers and drift_parameters. Cells of figures that are not defined are empty.
std::vector<ReportTable> report_tables(const Report& report);

/// One row by RFC 4180: cells with commas, quotes or line breaks are quoted.
std::string csv_row(const std::vector<std::string>& cells);

/// Writes report.json and <table>.csv for each table to a folder, which is made if need be; each file
/// replaces an older one only when complete.
void write_report(const Report& report, const std::string& folder);

}  // namespace deepmoe
