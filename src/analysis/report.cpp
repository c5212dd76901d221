#include "analysis/report.hpp"

#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "analysis/class_figures.hpp"
#include "analysis/gate_figures.hpp"
#include "base/base.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

json number(const std::optional<double>& figure) { return figure ? json(*figure) : json(nullptr); }

json numbers(const Eigen::VectorXd& vector) { return std::vector<double>(vector.begin(), vector.end()); }

json layer_json(const LayerCounts& layer, const GateSaving& saving, const Eigen::VectorXd& class_samples,
                double samples) {
  const Eigen::VectorXd uses = layer.uses();
  json pairs = json::array();
  const Redundancy redundant = redundancy(layer.pairs.counts(), samples, redundant_correlation, listed_pairs);
  for (const RedundantPair& pair : redundant.pairs) {
    pairs.push_back({{"first", pair.first}, {"second", pair.second}, {"correlation", pair.correlation}});
  }
  json information = nullptr;
  if (const auto bits = class_information(layer.class_uses, class_samples)) {
    information = json::array();
    for (const MutualInformation& one : *bits) information.push_back(one.corrected);
  }
  return {{"name", layer.name},
          {"experts", uses.size()},
          {"density", density(uses, samples)},
          {"dead_experts", dead_experts(uses, samples)},
          {"always_on_experts", always_on_experts(uses, samples)},
          {"entropy", number(entropy(layer.gate_sums))},
          {"effective_experts", number(effective_experts(layer.gate_sums))},
          {"coefficient_of_variation", number(coefficient_of_variation(uses))},
          {"gini", number(gini(uses))},
          {"saved_macs", saving.saved},
          {"head_macs", saving.head},
          {"pays", saving.pays()},
          {"redundant_experts", redundant.redundant_experts},
          {"redundant_pairs", redundant.all_pairs},
          {"most_redundant", std::move(pairs)},
          {"utilisation", numbers(utilisation(uses, samples))},
          {"mean_gate", numbers(layer.gate_sums / samples)},
          {"information", std::move(information)}};
}

json metrics_json(const Classification& figures, std::int64_t top) {
  json bins = json::array();
  for (const ReliabilityBin& bin : figures.reliability()) {
    bins.push_back({{"from", bin.from},
                    {"to", bin.to},
                    {"samples", bin.samples},
                    {"confidence", number(bin.confidence)},
                    {"accuracy", number(bin.accuracy)}});
  }
  return {{"accuracy", number(figures.accuracy())},
          {"top", top},
          {"top_accuracy", number(figures.top_accuracy())},
          {"expected_calibration_error", number(figures.expected_calibration_error())},
          {"reliability", std::move(bins)}};
}

json macs_json(const Collection& collection) {
  const Distribution& macs = collection.active_macs();
  const Cost& cost = collection.cost();
  return {{"dense", collection.dense_macs()},
          {"gating", cost.gating_macs + cost.embedding_macs},
          {"mean", number(macs.mean())},
          {"deviation", number(macs.deviation())},
          {"lowest", number(macs.lowest())},
          {"highest", number(macs.highest())},
          {"quantile_05", number(macs.quantile(0.05))},
          {"median", number(macs.quantile(0.5))},
          {"quantile_95", number(macs.quantile(0.95))},
          {"bin_width", macs.bin_width()},
          {"bins", macs.bins()}};
}

json classes_json(const Report& report) {
  json classes = json::array();
  const std::vector<ClassFigures> figures = report.collection.classification().classes();
  for (std::size_t i = 0; i < figures.size(); ++i) {
    classes.push_back({{"name", report.class_names.at(i)},
                       {"samples", figures[i].samples},
                       {"predicted", figures[i].predicted},
                       {"precision", number(figures[i].precision)},
                       {"recall", number(figures[i].recall)},
                       {"f1", number(figures[i].f1)}});
  }
  return classes;
}

json embedding_json(const Collection& collection) {
  const auto found = collection.covariance().principal_components(2);
  json embedding = {{"seen", collection.embeddings().seen()},
                    {"sampled", collection.embeddings().labels().size()},
                    {"variance", nullptr},
                    {"share", nullptr}};
  if (found) {
    embedding["variance"] = numbers(found->variance);
    embedding["share"] = numbers(found->share);
  }
  return embedding;
}

json thresholds_json(const std::vector<ThresholdPoint>& points) {
  json list = json::array();
  for (const ThresholdPoint& point : points) {
    list.push_back({{"threshold", point.threshold},
                    {"samples", point.samples},
                    {"accuracy", point.accuracy},
                    {"density", point.density},
                    {"active_macs", point.active_macs}});
  }
  return list;
}

json removal_json(const Removal& removal) {
  return {{"dead", removal.dead},
          {"removable", removal.removable},
          {"parameters_before", removal.parameters_before},
          {"parameters_after", removal.parameters_after},
          {"dense_macs_before", removal.dense_macs_before},
          {"dense_macs_after", removal.dense_macs_after}};
}

json run_json(const RunCurves& run) {
  json epochs = json::array();
  for (const auto& row : run.rows) {
    json& epoch = epochs.emplace_back(json::object());
    for (std::size_t i = 0; i < row.size(); ++i) epoch[run.columns[i]] = number(row[i]);
  }
  return epochs;
}

json figures_json(const ReportDrift::Figures& figures) {
  return {{"accuracy", number(figures.accuracy)},
          {"density", figures.density},
          {"active_macs", figures.active_macs},
          {"dead_experts", figures.dead_experts}};
}

json drift_json(const std::optional<ReportDrift>& drift) {
  if (!drift) return nullptr;
  json layers = json::array(), parameters = json::array();
  for (const ReportDrift::Layer& layer : drift->layers) {
    layers.push_back({{"name", layer.name},
                      {"mean", layer.routing.mean},
                      {"largest", layer.routing.largest},
                      {"died", layer.routing.died},
                      {"revived", layer.routing.revived},
                      {"class_activation", layer.class_activation}});
  }
  for (const ReportDrift::Parameter& parameter : drift->parameters) {
    parameters.push_back({{"name", parameter.name},
                          {"norm_before", parameter.drift.norm_before},
                          {"norm_after", parameter.drift.norm_after},
                          {"distance", parameter.drift.distance},
                          {"relative", number(parameter.drift.relative)},
                          {"cosine", number(parameter.drift.cosine)}});
  }
  return {{"reference", drift->reference},
          {"before", figures_json(drift->before)},
          {"after", figures_json(drift->after)},
          {"layers", std::move(layers)},
          {"parameters", std::move(parameters)}};
}

json notes_json(const Report& report, const json& layers) {
  const Collection& collection = report.collection;
  json notes = report.notes;
  const Eigen::VectorXd images = collection.class_samples();
  const auto present = (images.array() > 0).count();
  if (present < 2) {
    notes.push_back("all images are of one class: information about the class is not defined");
  } else if (present < images.size()) {
    notes.push_back(concat(images.size() - present, " of ", images.size(),
                           " classes have no images: their recall and routing are not defined"));
  }
  for (const json& layer : layers) {
    if (layer.at("dead_experts") == layer.at("experts")) {
      notes.push_back(
          concat(layer.at("name").get<std::string>(), " has no active expert: its imbalance is not defined"));
    }
  }
  if (collection.samples() < 2) notes.push_back("one image has no principal components");
  return notes;
}

/// Rows go to the file in pieces of this size.
constexpr std::size_t piece = std::size_t(1) << 16;

void write_table(const ReportTable& table, const std::string& folder) {
  write_file_atomically(folder + "/" + table.name + ".csv", [&](const auto& append) {
    std::string text = csv_row(table.headings);
    const auto flush = [&] {
      append(std::as_bytes(std::span(text)));
      text.clear();
    };
    table.rows([&](const std::vector<std::string>& cells) {
      text += csv_row(cells);
      if (text.size() >= piece) flush();
    });
    flush();
  });
}

/// The experts whose gate is 0 for every image: those that compaction takes for dead, which knows no
/// threshold.
std::vector<std::vector<bool>> silent_experts(const Collection& collection) {
  std::vector<std::vector<bool>> silent;
  for (const LayerCounts& layer : collection.layers()) {
    std::vector<bool>& flags = silent.emplace_back();
    for (const double sum : layer.gate_sums) flags.push_back(sum == 0);
  }
  return silent;
}

}  // namespace

Report::Report(Collection figures, ReportLabels labels)
    : ReportLabels(std::move(labels)),
      collection(std::move(figures)),
      routing(class_routing(collection)),
      removal(removal_of(collection.architecture(), collection.image_size(), silent_experts(collection))) {}

json report_json(const Report& report) {
  const Collection& collection = report.collection;
  const auto samples = static_cast<double>(collection.samples());
  json layers = json::array();
  double active = 0;
  const std::vector<GateSaving> savings = collection.savings();
  for (const LayerCounts& layer : collection.layers()) {
    layers.push_back(layer_json(layer, savings[layers.size()], collection.class_samples(), samples));
    active += layer.uses().sum();
  }
  const auto sum = [&](const char* key) {
    std::int64_t total = 0;
    for (const json& layer : layers) total += layer.at(key).get<std::int64_t>();
    return total;
  };
  json result = {{"format", "deepmoe-report"},
                 {"version", 1},
                 {"model", report.model},
                 {"data", report.data},
                 {"weights", report.weights},
                 {"samples", collection.samples()},
                 {"threshold", collection.settings().threshold},
                 {"num_classes", report.class_names.size()},
                 {"class_names", report.class_names},
                 {"notes", notes_json(report, layers)},
                 {"metrics", metrics_json(collection.classification(), collection.settings().top)},
                 {"macs", macs_json(collection)},
                 {"experts", collection.experts()},
                 {"density", active / samples / static_cast<double>(collection.experts())},
                 {"dead_experts", sum("dead_experts")},
                 {"always_on_experts", sum("always_on_experts")},
                 {"redundant_experts", sum("redundant_experts")},
                 {"classes", classes_json(report)},
                 {"class_order", report.routing.order},
                 {"removal", removal_json(report.removal)},
                 {"compact_command", report.compact_command},
                 {"embedding", embedding_json(collection)},
                 {"thresholds", thresholds_json(report.thresholds)},
                 {"run", run_json(report.run)},
                 {"drift", drift_json(report.drift)}};
  result["layers"] = std::move(layers);
  return result;
}

void write_report(const Report& report, const std::string& folder) {
  make_folder(folder);
  // A class may be named after any folder, in bytes that are not UTF-8.
  const std::string text = report_json(report).dump(1, ' ', false, json::error_handler_t::replace);
  write_file_atomically(folder + "/report.json", text + "\n");
  for (const ReportTable& table : report_tables(report)) write_table(table, folder);
}

}  // namespace deepmoe
