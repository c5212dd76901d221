#pragma once

/// Which classes are routed alike.

#include <Eigen/Core>
#include <vector>

namespace deepmoe {

/// Cosine between the rows of `activation` (classes x experts, class_activation() of one layer or of all
/// beside each other): 1 for classes that use the same experts equally often, 0 for classes that share none.
/// With a row of zeros it is not defined, and given as 0 (1 on the diagonal).
Eigen::MatrixXd routing_similarity(const Eigen::MatrixXd& activation);

/// An order of the classes in which similar ones are neighbours: the leaves of the tree that average linkage
/// (UPGMA; R. Sokal and C. Michener, 1958) builds over the distances 1 - similarity, found by chains of
/// nearest neighbours (F. Murtagh, A survey of recent advances in hierarchical clustering algorithms, 1983)
/// in time that grows with the square of the classes. Each merge puts the branch with the lowest class number
/// first. Throws Error(invalid_argument) unless the matrix is square and finite.
std::vector<Eigen::Index> hierarchical_order(const Eigen::MatrixXd& similarity);

}  // namespace deepmoe
