#pragma once

/// What the gates of one layer know about the classes. `class_uses` (classes x experts) counts the images of
/// each class that each expert was active for, `class_samples` the images of each class.

#include <Eigen/Core>
#include <optional>
#include <vector>

namespace deepmoe {

/// Share of each class's images that each expert is active for (classes x experts): P(active | class). The
/// row of a class without images is 0; it is for the caller to say that it is not defined. Throws
/// Error(invalid_argument), as the function below, for counts that don't fit each other.
Eigen::MatrixXd class_activation(const Eigen::MatrixXd& class_uses, const Eigen::VectorXd& class_samples);

/// Mutual information in bits.
struct MutualInformation {
  /// H(active) + H(class) - H(active, class) of the observed shares. It is too high by chance alone: by about
  /// (classes - 1) / (2 samples ln 2) for an expert that knows nothing.
  double observed = 0;
  /// The same with the correction of Miller and Madow (G. Miller, Note on the bias of information estimates,
  /// 1955), which adds (cells that occur - 1) / (2 samples) nats to each of the three entropies; where that
  /// falls below 0, 0.
  double corrected = 0;
};

/// For each expert, what knowing whether it is active says about the class. Not defined with fewer than two
/// classes that have images.
std::optional<std::vector<MutualInformation>> class_information(const Eigen::MatrixXd& class_uses,
                                                                const Eigen::VectorXd& class_samples);

}  // namespace deepmoe
