#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "analysis/class_similarity.hpp"
#include "analysis/random_gates.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;
using Eigen::MatrixXd;
using Order = std::vector<Eigen::Index>;

namespace {

/// Average linkage from its definition: the pair of clusters with the least mean distance, again and again.
Order plain_order(const MatrixXd& similarity) {
  std::vector<Order> clusters;
  for (Eigen::Index i = 0; i < similarity.rows(); ++i) clusters.push_back({i});
  while (clusters.size() > 1) {
    double least = std::numeric_limits<double>::infinity();
    std::pair<std::size_t, std::size_t> pair;
    for (std::size_t one = 0; one < clusters.size(); ++one) {
      for (std::size_t two = one + 1; two < clusters.size(); ++two) {
        double sum = 0;
        for (const Eigen::Index i : clusters[one]) {
          for (const Eigen::Index j : clusters[two]) sum += 1 - similarity(i, j);
        }
        sum /= static_cast<double>(clusters[one].size() * clusters[two].size());
        if (sum < least) {
          least = sum;
          pair = {one, two};
        }
      }
    }
    Order& kept = clusters[pair.first];
    kept.insert(kept.end(), clusters[pair.second].begin(), clusters[pair.second].end());
    clusters.erase(clusters.begin() + static_cast<std::ptrdiff_t>(pair.second));
  }
  return clusters.at(0);
}

}  // namespace

TEST_CASE("classes with the same routing are fully similar and those that share no expert not at all") {
  const MatrixXd activation = (MatrixXd(4, 3) << 1, 0, 0, 0.5, 0, 0, 0, 1, 1, 0, 0, 0).finished();
  const MatrixXd similarity = routing_similarity(activation);
  CHECK(similarity(0, 1) == doctest::Approx(1));
  CHECK(similarity(0, 2) == 0);
  CHECK(similarity(3, 0) == 0);
  CHECK(similarity(3, 3) == 1);
}

TEST_CASE("similarity is the cosine of each two classes") {
  const MatrixXd activation = random_activity(7, 12, 2).cast<double>();
  const MatrixXd similarity = routing_similarity(activation);
  for (Eigen::Index one = 0; one < 7; ++one) {
    for (Eigen::Index other = 0; other < 7; ++other) {
      double product = 0, first = 0, second = 0;
      for (Eigen::Index i = 0; i < 12; ++i) {
        product += activation(one, i) * activation(other, i);
        first += activation(one, i) * activation(one, i);
        second += activation(other, i) * activation(other, i);
      }
      CHECK(similarity(one, other) == doctest::Approx(product / std::sqrt(first * second)));
    }
  }
}

TEST_CASE("similar classes become neighbours") {
  MatrixXd activation(4, 4);
  activation << 1, 1, 0, 0,  //
      0, 0, 1, 1,            //
      1, 0.9, 0, 0,          //
      0, 0, 0.9, 1;
  CHECK(hierarchical_order(routing_similarity(activation)) == Order{0, 2, 1, 3});
}

TEST_CASE("chains of nearest neighbours find the tree of average linkage") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    MatrixXd similarity = random_activity(40, 9, seed).cast<double>().transpose() *
                          random_activity(40, 9, seed + 100).cast<double>();
    similarity += MatrixXd(MatrixXd::Random(9, 9)) * 0.1;  // No two distances are equal.
    similarity = MatrixXd((similarity + similarity.transpose()) / 80);
    CHECK(hierarchical_order(similarity) == plain_order(similarity));
  }
}

TEST_CASE("equal distances and few classes have an order too") {
  Order order = hierarchical_order(MatrixXd::Ones(6, 6));
  std::sort(order.begin(), order.end());
  CHECK(order == Order{0, 1, 2, 3, 4, 5});
  CHECK(hierarchical_order(MatrixXd::Ones(1, 1)) == Order{0});
  CHECK(hierarchical_order(MatrixXd()).empty());
}

TEST_CASE("an order of what is no similarity is refused") {
  require_error(ErrorCode::invalid_argument, {"square", "2 x 3"},
                [] { hierarchical_order(MatrixXd::Ones(2, 3)); });
  const double bad = std::numeric_limits<double>::quiet_NaN();
  require_error(ErrorCode::invalid_argument, {"finite"},
                [&] { hierarchical_order(MatrixXd::Constant(2, 2, bad)); });
}
