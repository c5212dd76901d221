#include "analysis/collection.hpp"

#include <algorithm>
#include <cmath>

#include "base/base.hpp"

namespace deepmoe {
namespace {

/// Before any member is made from it.
const Architecture& gated(const Architecture& architecture) {
  if (!architecture.gated()) {
    fail(ErrorCode::invalid_argument, "the network ", architecture.model,
         " is dense: it has no gates to analyse. Gated ones have _moe in their names");
  }
  return architecture;
}

CollectionSettings checked(CollectionSettings settings, const Architecture& architecture) {
  if (!(settings.threshold >= 0) || !std::isfinite(settings.threshold)) {
    fail(ErrorCode::invalid_argument, "the threshold of gates is ", settings.threshold,
         ", must be 0 or more");
  }
  if (settings.top < 1) fail(ErrorCode::invalid_argument, "top is ", settings.top, ", must be 1 or more");
  settings.top = std::min(settings.top, architecture.num_classes());
  return settings;
}

std::int64_t embedding_size(const Architecture& architecture) {
  return infer_shapes(architecture)[static_cast<std::size_t>(architecture.embedding)].channels;
}

Eigen::Map<const SampleRows> rows_of(const std::vector<float>& numbers, std::int64_t rows,
                                     std::int64_t columns) {
  return {numbers.data(), rows, columns};
}

/// What one run gives, in memory that later runs use again.
struct Outputs {
  std::vector<float> gates, embeddings, logits;

  void fill(const Engine& engine, const LabelledImages& batch, std::int64_t dimensions) {
    const auto count = static_cast<std::int64_t>(batch.labels.size());
    gates.resize(static_cast<std::size_t>(count * engine.experts()));
    embeddings.resize(static_cast<std::size_t>(count * dimensions));
    logits.resize(static_cast<std::size_t>(count * engine.architecture().num_classes()));
    EngineRun pass;
    pass.images = batch.images;
    pass.batch_size = count;
    pass.gates = gates.data();
    pass.embedding = embeddings.data();
    pass.logits = logits.data();
    engine.run(pass);
  }
};

[[noreturn]] void fail_without_images() {
  fail(ErrorCode::invalid_argument, "the data set holds no images; there is nothing to analyse");
}

}  // namespace

Collection::Collection(const Architecture& architecture, std::int64_t image_size,
                       const CollectionSettings& settings)
    : architecture_(gated(architecture)),
      image_size_(image_size),
      settings_(checked(settings, architecture)),
      cost_(deepmoe::cost(architecture, image_size)),
      classification_(architecture.num_classes(), settings_.top, settings_.calibration_bins),
      covariance_(embedding_size(architecture)),
      embeddings_(embedding_size(architecture), settings_.embeddings, settings_.seed),
      active_macs_(static_cast<double>(cost_.dense_macs), settings_.macs_bins),
      savings_(static_cast<Eigen::Index>(architecture.gates().size())) {
  const std::vector<Shape> shapes = infer_shapes(architecture);
  for (const std::int32_t gate : architecture.gates()) {
    const auto node = static_cast<std::size_t>(gate);
    const std::int64_t width = shapes[node].channels;
    layers_.push_back({architecture.nodes[node].name, {}, Eigen::VectorXd::Zero(width), CoActivation(width)});
    layers_.back().class_uses.setZero(architecture.num_classes(), width);
    experts_ += width;
  }
}

void Collection::check(const Eigen::Ref<const SampleRows>& gates,
                       const Eigen::Ref<const SampleRows>& embeddings,
                       std::span<const std::int64_t> labels) const {
  const auto count = static_cast<Eigen::Index>(labels.size());
  if (gates.rows() != count || embeddings.rows() != count || gates.cols() != experts_) {
    fail(ErrorCode::invalid_argument, "there are gates of ", gates.rows(), " images and ", gates.cols(),
         " experts, and ", embeddings.rows(), " embeddings; must be of ", count, " images and ", experts_,
         " experts");
  }
  Eigen::Index start = 0;
  for (const LayerCounts& layer : layers_) {
    if (!gates.middleCols(start, layer.gate_sums.size()).allFinite()) {
      fail(ErrorCode::numeric, "a gate of ", layer.name,
           " is NaN or infinite; the weights are damaged, or training diverged");
    }
    start += layer.gate_sums.size();
  }
  if (!embeddings.allFinite()) fail(ErrorCode::numeric, "an embedding is NaN or infinite");
}

void Collection::add(const Eigen::Ref<const SampleRows>& gates,
                     const Eigen::Ref<const SampleRows>& embeddings,
                     const Eigen::Ref<const SampleRows>& logits, std::span<const std::int64_t> labels) {
  check(gates, embeddings, labels);
  classification_.add(logits, labels);
  covariance_.add(embeddings);
  embeddings_.add(embeddings, labels);

  const auto count = static_cast<Eigen::Index>(labels.size());
  Eigen::MatrixXd densities(static_cast<Eigen::Index>(layers_.size()), count);
  Eigen::Index start = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    LayerCounts& layer = layers_[i];
    const Eigen::Index width = layer.gate_sums.size();
    const auto values = gates.middleCols(start, width);
    const SampleRows active = (values.array() > static_cast<float>(settings_.threshold)).cast<float>();
    layer.gate_sums += values.cast<double>().colwise().sum().transpose();
    layer.pairs.add(active);
    for (Eigen::Index image = 0; image < count; ++image) {
      layer.class_uses.row(labels[static_cast<std::size_t>(image)]) += active.row(image).cast<double>();
    }
    densities.row(static_cast<Eigen::Index>(i)) = active.cast<double>().rowwise().mean().transpose();
    start += width;
  }
  savings_.add(densities);
  std::vector<double> of_image(layers_.size());
  for (const auto& column : densities.colwise()) {
    std::copy(column.begin(), column.end(), of_image.begin());
    active_macs_.add(deepmoe::active_macs(architecture_, cost_, of_image));
  }
}

Collection collect(const Engine& engine, const ImageSource& source, const CollectionSettings& settings) {
  const Architecture& architecture = engine.architecture();
  Collection collection(architecture, engine.image_size(), settings);
  const std::int64_t dimensions = embedding_size(architecture);
  Outputs outputs;
  LabelledImages batch;
  while (source(batch)) {
    const auto count = static_cast<std::int64_t>(batch.labels.size());
    outputs.fill(engine, batch, dimensions);
    collection.add(rows_of(outputs.gates, count, engine.experts()),
                   rows_of(outputs.embeddings, count, dimensions),
                   rows_of(outputs.logits, count, architecture.num_classes()), batch.labels);
  }
  if (collection.samples() == 0) fail_without_images();
  return collection;
}

std::vector<ThresholdPoint> threshold_curve(const Engine& engine, const ImageSource& source,
                                            const std::vector<double>& thresholds) {
  const Architecture& architecture = gated(engine.architecture());
  const std::int64_t classes = architecture.num_classes(), dimensions = embedding_size(architecture);
  std::vector<ThresholdPoint> points;
  for (const double threshold : thresholds) {
    CollectionSettings settings;
    settings.threshold = threshold;
    checked(settings, architecture);
    ThresholdPoint& point = points.emplace_back();
    point.threshold = threshold;
  }
  Outputs outputs;
  LabelledImages batch;
  std::vector<float> logits;
  std::int64_t samples = 0;
  while (source(batch)) {
    const auto count = static_cast<std::int64_t>(batch.labels.size());
    outputs.fill(engine, batch, dimensions);
    samples += count;
    logits.resize(static_cast<std::size_t>(count * classes));
    const auto gates = rows_of(outputs.gates, count, engine.experts());
    for (ThresholdPoint& point : points) {
      const auto least = static_cast<float>(point.threshold);
      const SampleRows given = (gates.array() > least).select(gates, 0.0F);
      EngineRun run;
      run.images = batch.images;
      run.batch_size = count;
      run.given_gates = given.data();
      run.logits = logits.data();
      engine.run(run);
      Classification predictions(classes, 1);
      predictions.add(rows_of(logits, count, classes), batch.labels);
      point.accuracy += predictions.confusion().trace();
      point.density += (given.array() > 0).cast<double>().mean() * static_cast<double>(count);
      point.active_macs += static_cast<double>(run.active_macs);
    }
  }
  if (samples == 0) fail_without_images();
  for (ThresholdPoint& point : points) {
    const auto all = static_cast<double>(samples);
    point.samples = samples;
    point.accuracy /= all;
    point.density /= all;
    point.active_macs /= all;
  }
  return points;
}

}  // namespace deepmoe
