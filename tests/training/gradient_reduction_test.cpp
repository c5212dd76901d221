#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/gradient_reduction.hpp"

#include <ATen/ATen.h>

#include <atomic>
#include <vector>

#include "training/process_pair.hpp"

using namespace deepmoe;

namespace {

std::vector<at::Tensor> weights() {
  const auto weight = [](at::Tensor values) { return values.requires_grad_(true); };
  return {weight(at::full({4, 3}, 0.5)), weight(at::full({2, 4}, 0.25)), weight(at::ones({5}))};
}

/// Uses the first two of the weights.
at::Tensor loss_of(const std::vector<at::Tensor>& weights, double scale) {
  const at::Tensor input = at::arange(6.0).view({2, 3}) * scale;
  return at::linear(at::linear(input, weights[0]).tanh(), weights[1]).square().mean();
}

}  // namespace

TEST_CASE("gradients of two processes become their means over accumulated passes") {
  const std::vector<at::Tensor> expected = weights();
  for (const double scale : {0.1, 0.2, 0.3, 0.4}) (loss_of(expected, scale) / 2.0).backward();
  std::atomic<int> equal{0};
  as_two_processes([&](const std::shared_ptr<ProcessGroup>& group) {
    GradientReduction reduction(group);
    const std::vector<at::Tensor> own = weights();
    const double first = group->rank() == 0 ? 0.1 : 0.3;
    for (int round = 0; round < 2; ++round) {
      reduction.backward(loss_of(own, first));
      const at::Tensor loss = loss_of(own, first + 0.1);
      reduction.prepare(own, loss);
      reduction.backward(loss);
      bool same = !own[2].grad().defined();
      for (std::size_t i = 0; i < 2; ++i)
        same = same && own[i].grad().allclose(expected[i].grad(), 1e-5, 1e-7);
      if (same) ++equal;
      for (at::Tensor tensor : own) tensor.mutable_grad().reset();
    }
  });
  CHECK(equal == 4);
}

TEST_CASE("parameters that stop learning are left out of the reduction") {
  std::atomic<int> equal{0};
  as_two_processes([&](const std::shared_ptr<ProcessGroup>& group) {
    GradientReduction reduction(group);
    const std::vector<at::Tensor> own = weights();
    for (const bool frozen : {false, true}) {
      own[0].set_requires_grad(!frozen);
      const at::Tensor loss = loss_of(own, group->rank() == 0 ? 0.1 : 0.2);
      reduction.prepare(own, loss);
      reduction.backward(loss);
      if (own[0].grad().defined() != frozen && own[1].grad().defined()) ++equal;
      for (at::Tensor tensor : own) tensor.mutable_grad().reset();
    }
  });
  CHECK(equal == 4);
}
