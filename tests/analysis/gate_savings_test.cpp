#include "analysis/gate_savings.hpp"

#include <doctest/doctest.h>

#include "architecture/build.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;

TEST_CASE("what a gate saves is what all of its experts would cost more") {
  const Architecture network = build({{"model", "resnet18_moe"}, {"width", "0.125"}});
  const Cost costs = cost(network);
  const auto gates = static_cast<Eigen::Index>(network.gates().size());
  // Densities of 10 images, which go together, so that the mean of a product is not the product of the means.
  Eigen::MatrixXd densities = (Eigen::MatrixXd::Random(gates, 10).array() + 1) / 2;
  densities.row(1) = densities.row(0);
  GateSavings sums(gates);
  sums.add(densities.leftCols(3));
  sums.add(densities.rightCols(7));
  const std::vector<GateSaving> savings = sums.savings(network, costs);

  const auto mean_macs = [&](const Eigen::MatrixXd& some) {
    double macs = 0;
    for (const auto& image : some.colwise()) {
      macs += active_macs(network, costs, std::vector<double>(image.begin(), image.end())) / 10;
    }
    return macs;
  };
  const double now = mean_macs(densities);
  for (Eigen::Index gate = 0; gate < gates; ++gate) {
    Eigen::MatrixXd all_active = densities;
    all_active.row(gate).setOnes();
    CHECK(savings[static_cast<std::size_t>(gate)].saved == doctest::Approx(mean_macs(all_active) - now));
  }
}

TEST_CASE("a gate whose experts are all active saves nothing and does not pay") {
  const Architecture network = small_network();
  GateSavings sums(1);
  CHECK(sums.savings(network, cost(network))[0].saved == 0);  // Without images.
  sums.add(Eigen::MatrixXd::Ones(1, 4));
  const GateSaving saving = sums.savings(network, cost(network))[0];
  CHECK(saving.saved == 0);
  CHECK(saving.head == 4 * 5);
  CHECK_FALSE(saving.pays());
  require_error(ErrorCode::invalid_argument, {"2 gates", "1"},
                [&] { sums.add(Eigen::MatrixXd::Ones(2, 4)); });
}
