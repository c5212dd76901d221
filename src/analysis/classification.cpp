#include "analysis/classification.hpp"

#include <algorithm>
#include <cmath>

#include "base/base.hpp"

namespace deepmoe {
namespace {

std::optional<double> ratio(double part, double whole) {
  if (!(whole > 0)) return std::nullopt;
  return part / whole;
}

}  // namespace

Classification::Classification(Eigen::Index classes, Eigen::Index top, Eigen::Index bins)
    : top_(top),
      confusion_(Eigen::MatrixXd::Zero(classes, classes)),
      bin_samples_(Eigen::VectorXd::Zero(bins)),
      bin_confidence_(Eigen::VectorXd::Zero(bins)),
      bin_correct_(Eigen::VectorXd::Zero(bins)) {
  if (classes < 1) fail(ErrorCode::invalid_argument, "there are ", classes, " classes, must be 1 or more");
  if (top < 1 || top > classes) {
    fail(ErrorCode::invalid_argument, "top is ", top, ", must be from 1 to the number of classes, ", classes);
  }
  if (bins < 1) fail(ErrorCode::invalid_argument, "there are ", bins, " bins, must be 1 or more");
}

void Classification::add(const Eigen::Ref<const SampleRows>& logits, std::span<const std::int64_t> labels) {
  const Eigen::Index classes = confusion_.rows(), bins = bin_samples_.size();
  if (logits.cols() != classes || logits.rows() != static_cast<Eigen::Index>(labels.size())) {
    fail(ErrorCode::invalid_argument, "there are logits of ", logits.rows(), " images and ", logits.cols(),
         " classes; must be ", labels.size(), " and ", classes);
  }
  if (!logits.allFinite()) fail(ErrorCode::numeric, "a logit is NaN or infinite");
  for (const std::int64_t label : labels) {
    if (label < 0 || label >= classes) {
      fail(ErrorCode::invalid_argument, "label ", label, " is not in 0..", classes - 1);
    }
  }
  for (Eigen::Index image = 0; image < logits.rows(); ++image) {
    const std::int64_t label = labels[static_cast<std::size_t>(image)];
    const auto row = logits.row(image);
    Eigen::Index predicted = 0;
    const float best = row.maxCoeff(&predicted);
    Eigen::Index better = 0;
    for (Eigen::Index other = 0; other < classes; ++other) {
      if (row[other] > row[label] || (row[other] == row[label] && other < label)) ++better;
    }
    const double confidence = 1.0 / (row.array() - best).cast<double>().exp().sum();
    const auto bin = std::clamp<Eigen::Index>(
        static_cast<Eigen::Index>(std::ceil(confidence * static_cast<double>(bins))) - 1, 0, bins - 1);
    ++samples_;
    if (better < top_) ++within_top_;
    confusion_(label, predicted) += 1;
    bin_samples_[bin] += 1;
    bin_confidence_[bin] += confidence;
    if (predicted == label) bin_correct_[bin] += 1;
  }
}

std::optional<double> Classification::accuracy() const {
  return ratio(confusion_.trace(), static_cast<double>(samples_));
}

std::optional<double> Classification::top_accuracy() const {
  return ratio(static_cast<double>(within_top_), static_cast<double>(samples_));
}

std::optional<double> Classification::expected_calibration_error() const {
  return ratio((bin_correct_ - bin_confidence_).cwiseAbs().sum(), static_cast<double>(samples_));
}

std::vector<ReliabilityBin> Classification::reliability() const {
  std::vector<ReliabilityBin> bins;
  const auto count = static_cast<double>(bin_samples_.size());
  for (Eigen::Index i = 0; i < bin_samples_.size(); ++i) {
    bins.push_back({static_cast<double>(i) / count, static_cast<double>(i + 1) / count,
                    static_cast<std::int64_t>(bin_samples_[i]), ratio(bin_confidence_[i], bin_samples_[i]),
                    ratio(bin_correct_[i], bin_samples_[i])});
  }
  return bins;
}

std::vector<ClassFigures> Classification::classes() const {
  const Eigen::VectorXd samples = confusion_.rowwise().sum();
  const Eigen::VectorXd predicted = confusion_.colwise().sum().transpose();
  std::vector<ClassFigures> figures;
  for (Eigen::Index i = 0; i < samples.size(); ++i) {
    const double correct = confusion_(i, i);
    figures.push_back({static_cast<std::int64_t>(samples[i]), static_cast<std::int64_t>(predicted[i]),
                       ratio(correct, predicted[i]), ratio(correct, samples[i]),
                       ratio(2 * correct, predicted[i] + samples[i])});
  }
  return figures;
}

}  // namespace deepmoe
