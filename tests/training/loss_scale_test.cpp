#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/loss_scale.hpp"

#include <limits>

#include "base/require_error.hpp"
#include "model/tensor_bridge.hpp"

using namespace deepmoe;

namespace {

const at::Device cpu(at::kCPU);

double scale_of(const LossScale& scale) { return scale.scaled(at::ones({})).item<double>(); }

std::vector<at::Tensor> parameter_with_gradient(double gradient) {
  at::Tensor parameter = at::zeros({3}).set_requires_grad(true);
  parameter.mutable_grad() = at::full({3}, gradient);
  return {parameter, at::zeros({2}).set_requires_grad(true)};
}

}  // namespace

TEST_CASE("a loss scale is taken out of the gradients again") {
  LossScale scale(Precision::fp16, cpu);
  at::Tensor weight = at::full({2}, 3.0F).set_requires_grad(true);
  scale.scaled((weight * weight).sum()).backward();
  CHECK(weight.grad()[0].item<double>() == 6.0 * 65536.0);
  CHECK(scale.unscale({weight}).item<double>() == 0.0);
  CHECK(weight.grad()[0].item<double>() == 6.0);
}

TEST_CASE("gradients that are not finite leave out a step and halve the scale") {
  LossScale scale(Precision::fp16, cpu);
  for (const double bad :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    const double before = scale_of(scale);
    CHECK(scale.unscale(parameter_with_gradient(bad)).item<double>() == 1.0);
    CHECK(scale_of(scale) == before / 2.0);
  }
}

TEST_CASE("the scale doubles after many good steps and goes on from its state") {
  LossScale scale(Precision::fp16, cpu), other(Precision::fp16, cpu);
  for (int step = 0; step < 1999; ++step) scale.unscale(parameter_with_gradient(1.0));
  CHECK(scale_of(scale) == 65536.0);
  other.load_state(scale.state());
  for (LossScale* each : {&scale, &other}) {
    CHECK(each->unscale(parameter_with_gradient(1.0)).item<double>() == 0.0);
    CHECK(scale_of(*each) == 131072.0);
  }
  require_error(ErrorCode::format, {"scale"}, [&] { scale.load_state({}); });
}

TEST_CASE("other precisions need no scale") {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    LossScale scale(precision, cpu);
    CHECK(scale_of(scale) == 1.0);
    CHECK_FALSE(scale.unscale(parameter_with_gradient(std::numeric_limits<double>::infinity())).defined());
    CHECK(scale.state().empty());
  }
}
