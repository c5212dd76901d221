#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "model/precision.hpp"

#include <ATen/autocast_mode.h>

#include <cmath>
#include <utility>
#include <vector>

#include "base/require_error.hpp"
#include "model/loss.hpp"
#include "model/small_model.hpp"

using namespace deepmoe;

namespace {

const at::Device cpu(at::kCPU);

Precision precision_of(const std::string& amp) {
  return precision_from(test::small_options({{"amp", amp}}), cpu);
}

}  // namespace

TEST_CASE("amp names the precision of a device") {
  CHECK(precision_of("off") == Precision::fp32);
  CHECK(precision_of("bf16") == Precision::bf16);
  CHECK(precision_of("auto") != Precision::fp16);
  require_error(ErrorCode::unsupported, {"fp16", "CUDA", "bf16"}, [] { precision_of("fp16"); });
}

TEST_CASE("autocast holds for a while and leaves what was before") {
  const at::Tensor matrix = at::ones({4, 4});
  {
    const Autocast outer(Precision::bf16, cpu);
    CHECK((at::linear(matrix, matrix).scalar_type() == at::kBFloat16));
    {
      const Autocast none(Precision::fp32, cpu), inner(Precision::bf16, cpu);
      CHECK((at::linear(matrix, matrix).scalar_type() == at::kBFloat16));
    }
    CHECK((at::linear(matrix, matrix).scalar_type() == at::kBFloat16));
  }
  CHECK((at::linear(matrix, matrix).scalar_type() == at::kFloat));
  CHECK_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
}

TEST_CASE("a network in bf16 agrees with itself in single precision") {
  for (const char* name : {"resnet18_moe", "resnet50_moe_a", "vgg11_bn_moe"}) {
    for (const char* position : {"post_bn", "pre_bn", "input"}) {
      CAPTURE(std::string(name));
      CAPTURE(std::string(position));
      const auto model = test::small_model({{"model", name},
                                            {"gate_position", position},
                                            {"width", "0.25"},
                                            {"image_size", "32"},
                                            {"variant", "cifar"}});
      Network& network = model->network();
      const at::Tensor images = test::random_images(16, 32), labels = at::arange(16, at::kLong).remainder(4);
      const LossWeights weights{0.01, 1.0, 0.1, GateNorm::layer_mean_l1};
      const auto run = [&](Precision precision) {
        const Network::Outputs outputs = [&] {
          const Autocast autocast(precision, network.device());
          return network.forward(images, true);
        }();
        for (const at::Tensor& output : {outputs.logits, outputs.embedding, outputs.embedding_logits}) {
          CHECK((output.scalar_type() == at::kFloat));
        }
        for (const at::Tensor& gates : outputs.gates) CHECK((gates.scalar_type() == at::kFloat));
        const Loss loss = compute_loss(outputs, labels, weights);
        loss.total.backward();
        double squares = 0.0;
        for (const Network::Entry& entry : network.state()) {
          if (!entry.specification.trainable) continue;
          at::Tensor tensor = entry.tensor;
          REQUIRE(tensor.grad().defined());
          CHECK(tensor.grad().isfinite().all().item<bool>());
          squares += tensor.grad().square().sum().item<double>();
          tensor.mutable_grad().reset();
        }
        return std::pair(loss.total.item<double>(), std::sqrt(squares));
      };
      const auto [loss, norm] = run(Precision::fp32);
      const auto [rounded_loss, rounded_norm] = run(Precision::bf16);
      CHECK(rounded_loss == doctest::Approx(loss).epsilon(0.02));
      CHECK(rounded_norm == doctest::Approx(norm).epsilon(0.2));
    }
  }
}

TEST_CASE("in bf16 the layout of the activations changes a network by rounding alone") {
  // Planes of 32, 16 and 8 pixels a side, which have channels last, and smaller ones, which have not.
  const at::Tensor images = test::random_images(4, 64);
  std::vector<at::Tensor> logits, gradients;
  for (const char* channels_last : {"off", "on", "auto"}) {
    CAPTURE(std::string(channels_last));
    const auto model = test::small_model(
        {{"channels_last", channels_last}, {"width", "0.5"}, {"image_size", "64"}, {"variant", "imagenet"}});
    const Autocast autocast(Precision::bf16, cpu);
    const Network::Outputs outputs = model->network().forward(images, true);
    outputs.logits.square().sum().backward();
    logits.push_back(outputs.logits.detach());
    gradients.push_back(test::entry_of(*model, "conv1.weight").grad());
    const auto difference = [](const at::Tensor& one, const at::Tensor& other) {
      return ((one - other).norm() / other.norm()).item<double>();
    };
    CHECK(difference(logits.back(), logits.front()) < 0.05);
    CHECK(difference(gradients.back(), gradients.front()) <
          0.5);  // rounding, which 16 norms of small batches multiply
  }
}
