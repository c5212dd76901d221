#pragma once

/// How good the predictions are, in one pass over them.

#include <Eigen/Core>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "analysis/co_activation.hpp"

namespace deepmoe {

/// What a confusion matrix says about one class. scikit-learn's definitions, without its habit of calling 0
/// what is not defined.
struct ClassFigures {
  std::int64_t samples = 0;         ///< images of the class
  std::int64_t predicted = 0;       ///< images that were taken for it
  std::optional<double> precision;  ///< correct / predicted; not defined when nothing was taken for the class
  std::optional<double> recall;     ///< correct / samples; not defined without images of the class
  std::optional<double> f1;         ///< 2 correct / (predicted + samples); not defined when both are 0
};

/// One bar of a reliability diagram: predictions whose confidence is in (from, to].
struct ReliabilityBin {
  double from = 0, to = 0;
  std::int64_t samples = 0;
  std::optional<double> confidence, accuracy;  ///< means over the bin's images; not defined in an empty bin
};

/// The class predicted is the one with the largest logit, the first of them among equals; confidence is its
/// softmax.
class Classification {
 public:
  /// `top` (1..classes) is the k of top-k accuracy.
  Classification(Eigen::Index classes, Eigen::Index top, Eigen::Index bins = 15);

  /// Samples x classes, and a label in 0..classes-1 for each sample. Throws Error(numeric) for logits that
  /// are not finite, Error(invalid_argument) for what does not fit.
  void add(const Eigen::Ref<const SampleRows>& logits, std::span<const std::int64_t> labels);

  std::int64_t samples() const { return samples_; }
  /// Share of the images whose label is the class predicted; not defined without images, as the next ones.
  std::optional<double> accuracy() const;
  /// Share of the images with fewer than `top` classes that beat the label: a larger logit, or an equal one
  /// and a lower number.
  std::optional<double> top_accuracy() const;
  /// sum over the bins of (samples of the bin / samples) |accuracy - confidence|. M. Naeini, G. Cooper and M.
  /// Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015; C. Guo et al., On
  /// calibration of modern neural networks, ICML 2017.
  std::optional<double> expected_calibration_error() const;
  std::vector<ReliabilityBin> reliability() const;
  /// Rows are labels, columns predictions.
  const Eigen::MatrixXd& confusion() const { return confusion_; }
  std::vector<ClassFigures> classes() const;

 private:
  Eigen::Index top_;
  std::int64_t samples_ = 0, within_top_ = 0;
  Eigen::MatrixXd confusion_;
  Eigen::VectorXd bin_samples_, bin_confidence_, bin_correct_;  ///< the last two as sums
};

}  // namespace deepmoe
