#pragma once

#include <Eigen/Core>
#include <vector>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// What one gate spares and what it costs, in MACs of an image.
struct GateSaving {
  /// Mean over the images of what would be done in addition if all experts of this gate were active, and
  /// those of the other gates as they are. Two gates at one convolution share its saving, so that the sum
  /// over the gates is not what the network saves.
  double saved = 0;
  double head = 0;  ///< of the gate's head, which every image pays
  bool pays() const { return saved > head; }
};

/// Sums up how densities of gates go together. What a convolution costs is a product of two of them, so that
/// the means of the products are all that the means of the MACs need.
class GateSavings {
 public:
  explicit GateSavings(Eigen::Index gates);
  /// Gates x images: share of each gate's experts that is active.
  void add(const Eigen::Ref<const Eigen::MatrixXd>& densities);

  /// For each gate. `cost` is that of `architecture`, whose gates these are. Without images all is 0.
  std::vector<GateSaving> savings(const Architecture& architecture, const Cost& cost) const;

 private:
  /// Sums of products of each two of the gates and of 1, which stands for no gate and comes last.
  Eigen::MatrixXd products_;
};

}  // namespace deepmoe
