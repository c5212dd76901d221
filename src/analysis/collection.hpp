#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "analysis/classification.hpp"
#include "analysis/co_activation.hpp"
#include "analysis/distribution.hpp"
#include "analysis/gate_savings.hpp"
#include "analysis/principal_components.hpp"
#include "analysis/reservoir.hpp"
#include "engine/engine.hpp"

namespace deepmoe {

struct CollectionSettings {
  double threshold = 0;            ///< an expert is active when its gate is above it; >= 0
  std::int64_t top = 5;            ///< the k of top-k accuracy; at most as many as there are classes
  std::int64_t embeddings = 2000;  ///< how many embeddings are kept, as a random sample, for a scatter plot
  std::int64_t calibration_bins = 15;
  std::int64_t macs_bins = 50;
  std::uint64_t seed = 0;  ///< of the sample
};

/// Images and what they show, owned by whoever hands them over.
struct LabelledImages {
  const float* images = nullptr;  ///< (labels.size(), channels, height, width), normalised
  std::span<const std::int64_t> labels;
};

/// The next images, or false at the end.
using ImageSource = std::function<bool(LabelledImages&)>;

/// What was counted of one gate.
struct LayerCounts {
  std::string name;  ///< the gate's node
  /// Classes x experts: images of the class that the expert was active for.
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> class_uses;
  Eigen::VectorXd gate_sums;  ///< of all gates, active or not, for each expert
  CoActivation pairs;

  Eigen::VectorXd uses() const { return class_uses.colwise().sum().transpose(); }
};

/// The counts that all figures are made from. Their memory depends on the network and the settings, not on
/// how many images there were: what cannot be counted, the embeddings for a scatter plot, is a random sample.
class Collection {
 public:
  /// Throws Error(invalid_argument) for a dense network and for settings out of range.
  Collection(const Architecture& architecture, std::int64_t image_size, const CollectionSettings& settings);

  /// What an engine made of a batch: gates (samples x experts of all gates in the order of the network),
  /// embeddings and logits. Throws Error(numeric), naming the layer, for what is not finite, and
  /// Error(invalid_argument) for a label that the network does not have; nothing is counted then.
  void add(const Eigen::Ref<const SampleRows>& gates, const Eigen::Ref<const SampleRows>& embeddings,
           const Eigen::Ref<const SampleRows>& logits, std::span<const std::int64_t> labels);

  const CollectionSettings& settings() const { return settings_; }
  std::int64_t samples() const { return classification_.samples(); }
  Eigen::VectorXd class_samples() const { return classification_.confusion().rowwise().sum(); }
  const std::vector<LayerCounts>& layers() const { return layers_; }
  const Classification& classification() const { return classification_; }
  const Covariance& covariance() const { return covariance_; }
  const Reservoir& embeddings() const { return embeddings_; }
  /// Of the images' active MACs, from 0 to dense_macs().
  const Distribution& active_macs() const { return active_macs_; }
  double dense_macs() const { return static_cast<double>(cost_.dense_macs); }
  const Architecture& architecture() const { return architecture_; }
  std::int64_t image_size() const { return image_size_; }
  /// For images of image_size().
  const Cost& cost() const { return cost_; }
  /// For each layer.
  std::vector<GateSaving> savings() const { return savings_.savings(architecture_, cost_); }
  std::int64_t experts() const { return experts_; }

 private:
  void check(const Eigen::Ref<const SampleRows>& gates, const Eigen::Ref<const SampleRows>& embeddings,
             std::span<const std::int64_t> labels) const;

  Architecture architecture_;
  std::int64_t image_size_;
  CollectionSettings settings_;
  Cost cost_;
  std::vector<LayerCounts> layers_;
  std::int64_t experts_ = 0;
  Classification classification_;
  Covariance covariance_;
  Reservoir embeddings_;
  Distribution active_macs_;
  GateSavings savings_;
};

/// One pass of `engine` over all images. Throws Error(invalid_argument) when there are none, besides what
/// Collection throws.
Collection collect(const Engine& engine, const ImageSource& source, const CollectionSettings& settings);

/// What becomes of a network when gates up to a threshold count as 0.
struct ThresholdPoint {
  double threshold = 0;
  std::int64_t samples = 0;
  double accuracy = 0;
  double density = 0;      ///< mean over the images of active experts / all experts
  double active_macs = 0;  ///< mean over the images
};

/// Runs every image again with each of the thresholds (>= 0), so that it takes as many passes' time more.
std::vector<ThresholdPoint> threshold_curve(const Engine& engine, const ImageSource& source,
                                            const std::vector<double>& thresholds);

}  // namespace deepmoe
