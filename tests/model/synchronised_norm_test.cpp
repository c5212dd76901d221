#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "model/synchronised_norm.hpp"

#include <vector>

using namespace deepmoe;

namespace {

struct Case {
  at::Tensor input, weight, bias, mean, variance;
};

Case random_case(std::vector<std::int64_t> shape) {
  const std::int64_t channels = shape[1];
  return {(at::randn(shape) * 3.0 + 5.0).requires_grad_(true), at::rand({channels}).requires_grad_(true),
          at::randn({channels}).requires_grad_(true), at::zeros({channels}), at::ones({channels})};
}

Case copy_of(const Case& original) {
  const auto leaf = [](const at::Tensor& tensor) { return tensor.detach().clone().requires_grad_(true); };
  return {leaf(original.input), leaf(original.weight), leaf(original.bias), original.mean.clone(),
          original.variance.clone()};
}

}  // namespace

TEST_CASE("synchronised batch norm of one process is batch norm") {
  const SumOverProcesses alone = [](const at::Tensor&) {};
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{6, 5, 4, 3}, {8, 3}}) {
    CAPTURE(shape.size());
    const Case ours = random_case(shape), theirs = copy_of(ours);
    const at::Tensor weights = at::randn(shape);
    const at::Tensor got =
        synchronised_norm(ours.input, ours.weight, ours.bias, ours.mean, ours.variance, 0.1, 1e-5, alone);
    const at::Tensor wanted = at::batch_norm(theirs.input, theirs.weight, theirs.bias, theirs.mean,
                                             theirs.variance, true, 0.1, 1e-5, false);
    CHECK(got.allclose(wanted, 1e-4, 1e-5));
    CHECK(ours.mean.allclose(theirs.mean, 1e-5, 1e-6));
    CHECK(ours.variance.allclose(theirs.variance, 1e-5, 1e-6));
    (got * weights).sum().backward();
    (wanted * weights).sum().backward();
    CHECK(ours.input.grad().allclose(theirs.input.grad(), 1e-3, 1e-5));
    CHECK(ours.weight.grad().allclose(theirs.weight.grad(), 1e-4, 1e-4));
    CHECK(ours.bias.grad().allclose(theirs.bias.grad(), 1e-4, 1e-4));
  }
}

TEST_CASE("synchronised batch norm of processes with the same images is that of all of them") {
  // What another process with the same images adds is what this one has.
  const SumOverProcesses twice = [](const at::Tensor& sums) { at::Tensor(sums).mul_(2.0); };
  const Case ours = random_case({6, 5, 4, 3}), theirs = copy_of(ours);
  const at::Tensor weights = at::randn({6, 5, 4, 3});
  const at::Tensor got =
      synchronised_norm(ours.input, ours.weight, ours.bias, ours.mean, ours.variance, 0.1, 1e-5, twice);
  const at::Tensor wanted = at::batch_norm(at::cat({theirs.input, theirs.input}), theirs.weight, theirs.bias,
                                           theirs.mean, theirs.variance, true, 0.1, 1e-5, false);
  CHECK(got.allclose(wanted.narrow(0, 0, 6), 1e-4, 1e-5));
  CHECK(ours.variance.allclose(theirs.variance, 1e-5, 1e-6));
  (got * weights).sum().backward();
  (wanted * at::cat({weights, weights})).sum().backward();
  // The losses of both processes reach an input that both have.
  CHECK((2.0 * ours.input.grad()).allclose(theirs.input.grad(), 1e-3, 1e-5));
}
