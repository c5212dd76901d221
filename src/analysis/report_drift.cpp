#include "analysis/report_drift.hpp"

#include <string_view>

#include "analysis/class_figures.hpp"
#include "analysis/gate_figures.hpp"
#include "analysis/report.hpp"
#include "base/base.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

template <class Value>
void expect_equal(std::string_view what, const Value& one, const Value& other) {
  if (one == other) return;
  fail(ErrorCode::invalid_argument, "the two reports can't be compared: ", what, " is ", one,
       " in the one and ", other, " in the other. Drift needs the same network on the same images");
}

void check_comparable(const Report& report, const Report& reference) {
  const Collection &one = report.collection, &other = reference.collection;
  expect_equal("the number of gates", one.layers().size(), other.layers().size());
  for (std::size_t i = 0; i < one.layers().size(); ++i) {
    const LayerCounts &layer = one.layers()[i], &counterpart = other.layers()[i];
    expect_equal("the name of a gate", layer.name, counterpart.name);
    expect_equal(concat("the number of experts of ", layer.name), layer.gate_sums.size(),
                 counterpart.gate_sums.size());
  }
  expect_equal("the number of classes", report.class_names.size(), reference.class_names.size());
  expect_equal("the data set", report.data, reference.data);
  expect_equal("the number of images", one.samples(), other.samples());
  expect_equal("the threshold", one.settings().threshold, other.settings().threshold);
  if (one.class_samples() != other.class_samples()) {
    fail(ErrorCode::invalid_argument, "the two reports can't be compared: their images have other labels");
  }
}

ReportDrift::Figures figures_of(const Collection& collection) {
  ReportDrift::Figures figures;
  figures.accuracy = collection.classification().accuracy();
  figures.active_macs = collection.active_macs().mean().value_or(0);
  double active = 0;
  const auto samples = static_cast<double>(collection.samples());
  for (const LayerCounts& layer : collection.layers()) {
    active += layer.uses().sum();
    figures.dead_experts += dead_experts(layer.uses(), samples);
  }
  figures.density = active / samples / static_cast<double>(collection.experts());
  return figures;
}

ReportDrift::Layer layer_drift(const LayerCounts& before, const LayerCounts& after,
                               const Eigen::VectorXd& class_samples) {
  const double samples = class_samples.sum();
  ReportDrift::Layer layer{
      after.name, routing_drift(utilisation(before.uses(), samples), utilisation(after.uses(), samples)), 0};
  const Eigen::MatrixXd change =
      class_activation(after.class_uses, class_samples) - class_activation(before.class_uses, class_samples);
  // The rows of classes without images are 0.
  layer.class_activation = change.cwiseAbs().sum() /
                           static_cast<double>((class_samples.array() > 0).count()) /
                           static_cast<double>(change.cols());
  return layer;
}

std::vector<ReportDrift::Parameter> parameter_drifts(const Report& report, const Report& reference) {
  const Architecture& architecture = report.collection.architecture();
  const std::vector<ParameterSpecification> entries = parameter_specifications(architecture);
  const std::vector<ParameterSpecification> others =
      parameter_specifications(reference.collection.architecture());
  expect_equal("the number of parameters", entries.size(), others.size());
  const SafetensorsFile after(report.weights), before(reference.weights);
  const ReadParameter read_after = parameters_of(after), read_before = parameters_of(before);
  std::vector<ReportDrift::Parameter> drifts;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    expect_equal("the name of a parameter", entries[i].name, others[i].name);
    if (entries[i].shape != others[i].shape) {
      fail(ErrorCode::invalid_argument, "the two reports can't be compared: parameter ", entries[i].name,
           " has another shape in the one than in the other");
    }
    if (entries[i].is_integer) continue;
    const std::vector<float> one = read_before(entries[i].name), two = read_after(entries[i].name);
    drifts.push_back({entries[i].name, parameter_drift(one, two)});
  }
  return drifts;
}

}  // namespace

ReportDrift report_drift(const Report& report, const Report& reference) {
  check_comparable(report, reference);
  ReportDrift drift;
  drift.reference = reference.weights;
  drift.before = figures_of(reference.collection);
  drift.after = figures_of(report.collection);
  for (std::size_t i = 0; i < report.collection.layers().size(); ++i) {
    drift.layers.push_back(layer_drift(reference.collection.layers()[i], report.collection.layers()[i],
                                       report.collection.class_samples()));
  }
  if (!report.weights.empty() && !reference.weights.empty()) {
    drift.parameters = parameter_drifts(report, reference);
  }
  return drift;
}

}  // namespace deepmoe
