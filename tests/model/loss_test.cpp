#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "model/loss.hpp"

#include <cmath>

#include "base/base.hpp"

using namespace deepmoe;

namespace {

using Matrix = std::vector<std::vector<double>>;

std::vector<at::Tensor> tensors(const std::vector<Matrix>& layers) {
  std::vector<at::Tensor> result;
  for (const Matrix& layer : layers) {
    std::vector<at::Tensor> rows;
    for (const std::vector<double>& row : layer) rows.push_back(at::tensor(row, at::kDouble));
    result.push_back(at::stack(rows));
  }
  return result;
}

/// DESIGN 6, sample by sample and expert by expert.
double brute_force(const std::vector<Matrix>& layers, GateNorm norm) {
  double total = 0.0;
  for (const Matrix& layer : layers) {
    const auto width = static_cast<double>(layer[0].size());
    const auto batch = static_cast<double>(layer.size());
    double term = 0.0;
    if (norm == GateNorm::seed) {
      for (std::size_t column = 0; column < layer[0].size(); ++column) {
        double sum = 0.0;
        for (const auto& row : layer) sum += row[column];
        term = std::max(term, sum);
      }
    } else {
      for (const auto& row : layer) {
        double sum = 0.0, squares = 0.0;
        for (const double gate : row) {
          sum += gate;
          squares += gate * gate;
        }
        if (norm == GateNorm::mean_l1) term += sum / batch;
        if (norm == GateNorm::layer_mean_l1) term += sum / width / batch;
        if (norm == GateNorm::hoyer && squares > 0.0) term += sum * sum / (width * squares) / batch;
      }
      if (norm == GateNorm::hoyer) term /= static_cast<double>(layers.size());
    }
    total += term;
  }
  return total;
}

const std::vector<Matrix> two_layers = {{{0.0, 1.0, 2.5}, {0.5, 0.0, 0.25}},
                                        {{1.0, 0.0, 3.0, 0.5}, {0.0, 0.0, 0.0, 0.0}}};
constexpr GateNorm every_norm[] = {GateNorm::mean_l1, GateNorm::layer_mean_l1, GateNorm::hoyer,
                                   GateNorm::seed};

}  // namespace

TEST_CASE("every gate norm equals its sum written out") {
  for (const GateNorm norm : every_norm) {
    CAPTURE(static_cast<int>(norm));
    CHECK(gate_loss(tensors(two_layers), norm).item<double>() ==
          doctest::Approx(brute_force(two_layers, norm)));
  }
}

TEST_CASE("the hoyer norm does not depend on the scale of the gates") {
  std::vector<Matrix> scaled = two_layers;
  for (Matrix& layer : scaled) {
    for (auto& row : layer) {
      for (double& gate : row) gate *= 7.0;
    }
  }
  CHECK(gate_loss(tensors(scaled), GateNorm::hoyer).item<double>() ==
        doctest::Approx(gate_loss(tensors(two_layers), GateNorm::hoyer).item<double>()));
}

TEST_CASE("a silent layer has finite gate losses and gradients") {
  for (const GateNorm norm : every_norm) {
    at::Tensor silent = at::zeros({3, 5}, at::kDouble).set_requires_grad(true);
    const at::Tensor loss = gate_loss({silent}, norm);
    loss.backward();
    CAPTURE(static_cast<int>(norm));
    CHECK(loss.item<double>() == 0.0);
    CHECK(silent.grad().isfinite().all().item<bool>());
  }
}

TEST_CASE("the seed norm pushes one expert of a layer only and mean_l1 all") {
  const auto pushed = [](GateNorm norm) {
    at::Tensor gates = tensors(two_layers)[0].set_requires_grad(true);
    gate_loss({gates}, norm).backward();
    return gates.grad().ne(0).any(0).sum().item<std::int64_t>();
  };
  CHECK(pushed(GateNorm::seed) == 1);
  CHECK(pushed(GateNorm::mean_l1) >= 2);
}

TEST_CASE("the total is the weighted sum of its parts") {
  Network::Outputs outputs;
  outputs.logits = at::tensor(std::vector<double>{2.0, -1.0, 0.5, 0.0, 1.0, 3.0}, at::kDouble).view({2, 3});
  outputs.embedding_logits = outputs.logits * 0.5;
  outputs.gates = tensors(two_layers);
  const at::Tensor labels = at::tensor(std::vector<std::int64_t>{0, 2}, at::kLong);
  const auto cross_entropy = [&](double scale) {
    const double rows[2][3] = {{2.0, -1.0, 0.5}, {0.0, 1.0, 3.0}};
    const int correct[2] = {0, 2};
    double sum = 0.0;
    for (int i = 0; i < 2; ++i) {
      double exponentials = 0.0;
      for (const double logit : rows[i]) exponentials += std::exp(scale * logit);
      sum += std::log(exponentials) - scale * rows[i][correct[i]];
    }
    return sum / 2.0;
  };
  const Loss loss = compute_loss(outputs, labels, {0.25, 2.0, 0.0, GateNorm::mean_l1});
  CHECK(loss.classification.item<double>() == doctest::Approx(cross_entropy(1.0)));
  CHECK(loss.total.item<double>() ==
        doctest::Approx(cross_entropy(1.0) + 0.25 * brute_force(two_layers, GateNorm::mean_l1) +
                        2.0 * cross_entropy(0.5)));
  SUBCASE("a dense network has the cross entropy alone") {
    outputs.gates.clear();
    outputs.embedding_logits = at::Tensor();
    CHECK(compute_loss(outputs, labels, {0.25, 2.0, 0.0, GateNorm::mean_l1}).total.item<double>() ==
          doctest::Approx(cross_entropy(1.0)));
  }
}

TEST_CASE("soft targets give the proportionate mean of the losses of each class") {
  Network::Outputs outputs;
  outputs.logits = at::tensor({1.0, -0.5, 0.25, 0.0, 2.0, -1.0}, at::kDouble).view({2, 3});
  LossWeights weights;
  weights.label_smoothing = 0.1;
  const auto loss_of = [&](std::vector<std::int64_t> labels) {
    return compute_loss(outputs, at::tensor(labels, at::kLong), weights).total.item<double>();
  };
  const at::Tensor soft = at::tensor({0.7, 0.0, 0.3, 0.3, 0.7, 0.0}, at::kDouble).view({2, 3});
  CHECK(compute_loss(outputs, soft, weights).total.item<double>() ==
        doctest::Approx(0.7 * loss_of({0, 1}) + 0.3 * loss_of({2, 0})));
}

TEST_CASE("a teacher's answers take their share of the classification") {
  Network::Outputs outputs;
  outputs.logits = at::tensor({1.0, -0.5, 0.25, 0.0, 2.0, -1.0}, at::kDouble).view({2, 3});
  const at::Tensor teacher = at::tensor({0.0, 1.0, -1.0, 3.0, 0.5, 0.0}, at::kDouble).view({2, 3});
  const at::Tensor labels = at::tensor(std::vector<std::int64_t>{0, 2}, at::kLong);
  LossWeights weights;
  weights.distillation = 0.25;
  weights.temperature = 2.0;
  double divergence = 0.0;
  for (int row = 0; row < 2; ++row) {
    double ours[3], theirs[3], our_sum = 0.0, their_sum = 0.0;
    for (int column = 0; column < 3; ++column) {
      our_sum += ours[column] = std::exp(outputs.logits[row][column].item<double>() / 2.0);
      their_sum += theirs[column] = std::exp(teacher[row][column].item<double>() / 2.0);
    }
    for (int column = 0; column < 3; ++column) {
      const double p = theirs[column] / their_sum;
      divergence += p * std::log(p * our_sum / ours[column]) / 2.0;
    }
  }
  const double alone = compute_loss(outputs, labels, weights).total.item<double>();
  const Loss loss = compute_loss(outputs, labels, weights, teacher);
  CHECK(loss.total.item<double>() == doctest::Approx(0.75 * alone + 0.25 * 4.0 * divergence));
  CHECK(loss.classification.item<double>() == doctest::Approx(alone));
}
