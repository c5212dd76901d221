#include "analysis/class_figures.hpp"

#include <algorithm>
#include <cmath>

#include "base/base.hpp"

namespace deepmoe {
namespace {

void check_counts(const Eigen::MatrixXd& class_uses, const Eigen::VectorXd& class_samples) {
  if (class_uses.rows() != class_samples.size()) {
    fail(ErrorCode::invalid_argument, "there are uses of ", class_uses.rows(), " classes, but images of ",
         class_samples.size());
  }
  if (!class_samples.allFinite() || !(class_uses.array() >= 0).all() ||
      !((class_uses.colwise() - class_samples).array() <= 0).all()) {
    fail(ErrorCode::invalid_argument, "an expert's uses by a class must be from 0 to the class's images");
  }
}

/// An entropy in nats that is fed count by count, for shares of `samples`.
class CellEntropy {
 public:
  explicit CellEntropy(double samples) : samples_(samples) {}
  void add(double count) {
    if (!(count > 0)) return;
    const double share = count / samples_;
    observed_ -= share * std::log(share);
    ++cells_;
  }
  double observed() const { return observed_; }
  double corrected() const { return observed_ + (cells_ - 1) / (2 * samples_); }

 private:
  double samples_, observed_ = 0, cells_ = 0;
};

double bits(double nats) { return std::max(nats, 0.0) / std::log(2.0); }

}  // namespace

Eigen::MatrixXd class_activation(const Eigen::MatrixXd& class_uses, const Eigen::VectorXd& class_samples) {
  check_counts(class_uses, class_samples);
  return class_uses.array().colwise() / class_samples.array().max(1.0);
}

std::optional<std::vector<MutualInformation>> class_information(const Eigen::MatrixXd& class_uses,
                                                                const Eigen::VectorXd& class_samples) {
  check_counts(class_uses, class_samples);
  if ((class_samples.array() > 0).count() < 2) return std::nullopt;
  const double samples = class_samples.sum();
  CellEntropy classes(samples);
  for (const double count : class_samples) classes.add(count);

  std::vector<MutualInformation> information;
  for (Eigen::Index expert = 0; expert < class_uses.cols(); ++expert) {
    const double uses = class_uses.col(expert).sum();
    CellEntropy active(samples), both(samples);
    active.add(uses);
    active.add(samples - uses);
    for (Eigen::Index label = 0; label < class_samples.size(); ++label) {
      both.add(class_uses(label, expert));
      both.add(class_samples[label] - class_uses(label, expert));
    }
    information.push_back({bits(active.observed() + classes.observed() - both.observed()),
                           bits(active.corrected() + classes.corrected() - both.corrected())});
  }
  return information;
}

}  // namespace deepmoe
