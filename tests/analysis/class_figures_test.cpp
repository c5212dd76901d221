#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "analysis/class_figures.hpp"
#include "analysis/random_gates.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;
using Eigen::MatrixXd;
using Eigen::VectorXd;

TEST_CASE("class activation is the share of each class") {
  const MatrixXd uses{{1, 4}, {3, 0}, {0, 0}};
  const VectorXd samples{{4, 6, 0}};
  const MatrixXd expected{{0.25, 1}, {0.5, 0}, {0, 0}};
  CHECK(class_activation(uses, samples).isApprox(expected));
}

TEST_CASE("an expert that is the class tells one bit and an independent one nothing") {
  const MatrixXd uses{{100, 50, 0}, {0, 50, 0}};
  const VectorXd samples = VectorXd::Constant(2, 100);
  const auto information = class_information(uses, samples);
  REQUIRE(information);
  CHECK((*information)[0].observed == doctest::Approx(1));
  // Two states, two classes, two cells: (2 + 2 - 2 - 1) / (2 * 200) nats more.
  CHECK((*information)[0].corrected == doctest::Approx(1 + 1 / 400.0 / std::log(2.0)));
  CHECK((*information)[1].observed == doctest::Approx(0));
  CHECK((*information)[1].corrected == 0);
  CHECK((*information)[2].observed == doctest::Approx(0));
}

TEST_CASE("mutual information is the sum over the cells and its correction counts cells") {
  const GateRows active = random_activity(300, 6, 3);
  MatrixXd uses = MatrixXd::Zero(4, 6);
  VectorXd samples = VectorXd::Zero(4);
  for (Eigen::Index i = 0; i < active.rows(); ++i) {
    const Eigen::Index label = (i * i + i / 7) % 3;  // The fourth class has no images.
    samples[label] += 1;
    uses.row(label) += active.row(i).cast<double>();
  }
  const auto information = class_information(uses, samples);
  REQUIRE(information);
  for (Eigen::Index expert = 0; expert < 6; ++expert) {
    std::map<std::pair<Eigen::Index, bool>, double> cells;
    for (Eigen::Index label = 0; label < 4; ++label) {
      cells[{label, true}] = uses(label, expert) / 300;
      cells[{label, false}] = (samples[label] - uses(label, expert)) / 300;
    }
    const double used = uses.col(expert).sum() / 300;
    double bits = 0, occurring = 0;
    for (const auto& [cell, share] : cells) {
      if (share == 0) continue;
      ++occurring;
      bits += share * std::log2(share / (samples[cell.first] / 300 * (cell.second ? used : 1 - used)));
    }
    const auto& found = (*information)[static_cast<std::size_t>(expert)];
    const double states = used > 0 && used < 1 ? 2 : 1;
    CHECK(found.observed == doctest::Approx(bits));
    CHECK(found.corrected ==
          doctest::Approx(std::max(0.0, bits + (states + 3 - occurring - 1) / 600 / std::log(2.0))));
  }
}

TEST_CASE("one class has no information and counts that do not fit are refused") {
  const VectorXd alone{{10, 0}};
  CHECK_FALSE(class_information(MatrixXd::Zero(2, 3), alone));
  require_error(ErrorCode::invalid_argument, {"3 classes", "2"},
                [&] { class_activation(MatrixXd::Zero(3, 1), alone); });
  require_error(ErrorCode::invalid_argument, {"from 0 to the class's images"},
                [&] { class_information(MatrixXd::Constant(2, 1, 1.0), alone); });
}
