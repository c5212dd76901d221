#include <doctest/doctest.h>

#include <cmath>

#include "analysis/principal_components.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;
using Eigen::MatrixXd;

TEST_CASE("points on a line have one component with all of the variance") {
  SampleRows points(5, 3);
  for (Eigen::Index i = 0; i < 5; ++i) {
    const auto at = static_cast<float>(i - 2);
    points.row(i) << 1 - 2 * at, 7, 4 + at;
  }
  Covariance covariance(3);
  covariance.add(points);
  const auto found = covariance.principal_components(2);
  REQUIRE(found);
  CHECK(found->mean.isApprox(Eigen::Vector3d(1, 7, 4)));
  CHECK(found->components.col(0).isApprox(Eigen::Vector3d(2, 0, -1) / std::sqrt(5.0)));
  CHECK(found->variance[0] == doctest::Approx(12.5));
  CHECK(found->share[0] == doctest::Approx(1));
  CHECK(found->variance[1] == doctest::Approx(0));
  CHECK(found->project(points)(0, 0) == doctest::Approx(2 * std::sqrt(5.0)));
}

TEST_CASE("batches give the covariance of all samples although the mean is large") {
  SampleRows points = SampleRows::Random(103, 4);
  points.col(1) *= 3;
  points.array() += 1000;
  Covariance covariance(4);
  covariance.add(points.topRows(1));
  covariance.add(points.middleRows(1, 60));
  covariance.add(points.bottomRows(42));
  covariance.add(points.topRows(0));
  const auto found = covariance.principal_components(9);
  REQUIRE(found);
  MatrixXd centred = points.cast<double>();
  centred.rowwise() -= centred.colwise().mean().eval();
  const MatrixXd expected = centred.transpose() * centred / 102;
  const MatrixXd rebuilt = found->components * found->variance.asDiagonal() * found->components.transpose();
  CHECK((rebuilt - expected).norm() < 1e-9);
  CHECK(found->components.cols() == 4);
  CHECK(found->share.sum() == doctest::Approx(1));
  for (Eigen::Index i = 1; i < 4; ++i) CHECK(found->variance[i] <= found->variance[i - 1]);
}

TEST_CASE("one sample has no components and equal ones have no variance") {
  Covariance covariance(2);
  covariance.add(SampleRows::Ones(1, 2));
  CHECK_FALSE(covariance.principal_components(1));
  covariance.add(SampleRows::Ones(1, 2));
  const auto found = covariance.principal_components(1);
  REQUIRE(found);
  CHECK(found->variance[0] == 0);
  CHECK(found->share[0] == 0);
  require_error(ErrorCode::invalid_argument, {"3 dimensions", "2"},
                [&] { covariance.add(SampleRows::Ones(1, 3)); });
}
