#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "model/initialization.hpp"

#include <c10/core/GradMode.h>

#include <cmath>

#include "base/require_error.hpp"
#include "model/small_model.hpp"

using namespace deepmoe;
using test::small_model;

TEST_CASE("a new network starts as the dense one with every expert active") {
  for (const char* position : {"pre_bn", "post_bn", "input"}) {
    const auto model = small_model({{"gate_position", position}});
    const c10::NoGradGuard no_gradient;
    // Training mode: the embedding's norm has seen no images yet.
    const Network::Outputs outputs = model->network().forward(test::random_images(8), true);
    CAPTURE(position);
    for (const at::Tensor& gates : outputs.gates) {
      CHECK(gates.min().item<float>() > 0.8F);
      CHECK(gates.max().item<float>() < 1.2F);
    }
  }
}

TEST_CASE("recipe seed starts with heads at random that silence about half of the experts") {
  Options options = test::small_options({{"recipe", "seed"}, {"variant", "cifar"}, {"width", "0.5"}});
  const auto model = Model::create(options);
  const c10::NoGradGuard no_gradient;
  const Network::Outputs outputs = model->network().forward(test::random_images(8), true);
  double active = 0.0, all = 0.0;
  for (const at::Tensor& gates : outputs.gates) {
    active += gates.gt(0).sum().item<double>();
    all += static_cast<double>(gates.numel());
  }
  CHECK(active / all > 0.3);
  CHECK(active / all < 0.7);
}

TEST_CASE("weights depend on the seed alone") {
  const auto first = small_model({{"seed", "5"}}), again = small_model({{"seed", "5"}}),
             other = small_model({{"seed", "6"}});
  for (const char* name :
       {"conv1.weight", "fc.weight", "layer1.0.gate1.fc.weight", "embedding.net.0.weight"}) {
    CHECK(test::entry_of(*first, name).equal(test::entry_of(*again, name)));
    CHECK_FALSE(test::entry_of(*first, name).equal(test::entry_of(*other, name)));
  }
}

TEST_CASE("convolutions have the spread of Kaiming's rule for the fan out") {
  const auto model = small_model({{"width", "1"}});
  const at::Tensor weight = test::entry_of(*model, "layer3.0.conv2.conv_layer.weight");
  const double expected = std::sqrt(2.0 / (256.0 * 9.0));
  CHECK(weight.std().item<double>() == doctest::Approx(expected).epsilon(0.02));
  CHECK(weight.mean().item<double>() == doctest::Approx(0.0).epsilon(0.001));
}

TEST_CASE("zero_init_residual silences the last norm of each block") {
  const auto model = small_model({{"zero_init_residual", "true"}});
  CHECK(test::entry_of(*model, "layer1.0.bn2.weight").abs().sum().item<float>() == 0.0F);
  CHECK(test::entry_of(*model, "layer1.0.bn1.weight").min().item<float>() == 1.0F);
}

TEST_CASE("unit gates without a bias are refused in words") {
  require_error(ErrorCode::invalid_argument, {"gate_init unit", "gate_bias"}, [] {
    small_model({{"gate_bias", "false"}});
  });
  CHECK_NOTHROW(small_model({{"gate_bias", "false"}, {"gate_init", "random"}}));
}
