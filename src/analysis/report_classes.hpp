#pragma once

#include <Eigen/Core>
#include <vector>

#include "analysis/collection.hpp"

namespace deepmoe {

/// How the classes are routed through all layers.
struct ClassRouting {
  /// The classes that have images, similar ones beside each other.
  std::vector<Eigen::Index> order;
  Eigen::MatrixXd similarity;  ///< of the classes in `order`: row and column i are of class order[i]
};

ClassRouting class_routing(const Collection& collection);

}  // namespace deepmoe
