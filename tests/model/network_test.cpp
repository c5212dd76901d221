#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "model/network.hpp"

#include <algorithm>

#include <c10/core/GradMode.h>

#include "base/require_error.hpp"
#include "model/small_model.hpp"

using namespace deepmoe;
using test::random_images;
using test::small_model;

namespace {

at::Tensor logits(Model& model, const at::Tensor& images) {
  const c10::NoGradGuard no_gradient;
  return model.network().forward(images, false).logits;
}

}  // namespace

TEST_CASE("a silent expert after batch norm has no influence on the network") {
  const auto model = small_model({{"gate_position", "post_bn"}});
  at::Tensor bias = test::entry_of(*model, "layer2.0.gate1.fc.bias");
  bias.detach()[3].fill_(-100.0);
  const at::Tensor images = random_images(3);
  const at::Tensor before = logits(*model, images);
  // Whatever the silent expert would compute cannot be seen.
  at::Tensor weights = test::entry_of(*model, "layer2.0.conv1.conv_layer.weight");
  weights.detach()[3].fill_(50.0);
  CHECK(logits(*model, images).equal(before));
  bias.detach()[3].fill_(1.0);
  CHECK_FALSE(logits(*model, images).equal(before));
}

TEST_CASE("a silent expert before batch norm leaves its constant behind") {
  const auto model = small_model({{"gate_position", "pre_bn"}});
  test::entry_of(*model, "layer2.0.gate1.fc.bias").detach()[3].fill_(-100.0);
  const at::Tensor images = random_images(3);
  const at::Tensor before = logits(*model, images);
  test::entry_of(*model, "layer2.0.bn1.bias").detach()[3].fill_(2.0);
  CHECK_FALSE(logits(*model, images).equal(before));
}

TEST_CASE("a silent input expert is not read by its convolution") {
  const auto model = small_model({{"gate_position", "input"}});
  test::entry_of(*model, "layer2.1.gate2.fc.bias").detach()[5].fill_(-100.0);
  const at::Tensor images = random_images(3);
  const at::Tensor before = logits(*model, images);
  test::entry_of(*model, "layer2.1.conv2.conv_layer.weight").detach().select(1, 5).fill_(9.0);
  CHECK(logits(*model, images).equal(before));
}

TEST_CASE("gates are never negative and come in network order") {
  const auto model = small_model();
  const c10::NoGradGuard no_gradient;
  const Network::Outputs outputs = model->network().forward(random_images(2), false);
  const std::vector<std::int32_t> nodes = model->architecture().gates();
  const std::vector<Shape> shapes = infer_shapes(model->architecture());
  REQUIRE(outputs.gates.size() == nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    CHECK(outputs.gates[i].min().item<float>() >= 0.0F);
    CHECK(outputs.gates[i].size(1) == shapes[static_cast<std::size_t>(nodes[i])].channels);
  }
}

TEST_CASE("layouts of the activations compute the same network and gradients") {
  // Large enough for the embedding network to have a layout of its own.
  const at::Tensor images = random_images(4, 64);
  std::vector<at::Tensor> logits, gradients;
  for (const char* channels_last : {"off", "on", "auto"}) {
    const auto model =
        small_model({{"channels_last", channels_last}, {"image_size", "64"}, {"variant", "imagenet"}});
    const Network::Outputs outputs = model->network().forward(images, true);
    outputs.embedding_logits.square().sum().backward();
    logits.push_back(outputs.logits);
    gradients.push_back(test::entry_of(*model, "embedding.net.0.weight").grad());
    CHECK(gradients.back().abs().max().item<float>() > 0);
    CHECK(at::allclose(logits.front(), logits.back(), 1e-4, 1e-4));
    CHECK(at::allclose(gradients.front(), gradients.back(), 1e-4, 1e-5));
  }
}

TEST_CASE("a batch is computed as its images one by one") {
  const auto model = small_model();
  const at::Tensor images = random_images(3);
  const at::Tensor together = logits(*model, images);
  for (std::int64_t i = 0; i < 3; ++i) {
    CHECK(at::allclose(logits(*model, images.narrow(0, i, 1)), together.narrow(0, i, 1), 1e-4, 1e-5));
  }
}

TEST_CASE("training updates running statistics and evaluation leaves them") {
  const auto model = small_model();
  const at::Tensor mean = test::entry_of(*model, "bn1.running_mean");
  const at::Tensor counter = test::entry_of(*model, "bn1.num_batches_tracked");
  const at::Tensor before = mean.clone();
  logits(*model, random_images(4));
  CHECK(mean.equal(before));
  model->network().forward(random_images(4), true);
  CHECK_FALSE(mean.equal(before));
  CHECK(counter.item<std::int64_t>() == 1);
}

TEST_CASE("a frozen embedding gets no gradient and keeps its statistics") {
  const auto model = small_model();
  model->network().freeze_embedding(true);
  const at::Tensor mean = test::entry_of(*model, "embedding_norm.running_mean");
  const at::Tensor before = mean.clone();
  model->network().forward(random_images(4), true).logits.sum().backward();
  CHECK(mean.equal(before));
  CHECK_FALSE(test::entry_of(*model, "embedding.net.0.weight").grad().defined());
  CHECK(test::entry_of(*model, "layer1.0.gate1.fc.bias").grad().defined());
  model->network().freeze_embedding(false);
  model->network().forward(random_images(4), true).logits.sum().backward();
  CHECK(test::entry_of(*model, "embedding.net.0.weight").grad().defined());
}

TEST_CASE("dropout repeats with the seed and is off in evaluation") {
  const auto run = [](const char* seed) {
    const auto model = small_model({{"model", "vgg11"},
                                    {"variant", "imagenet"},
                                    {"image_size", "32"},
                                    {"width", "0.03"},
                                    {"seed", seed}});
    const c10::NoGradGuard no_gradient;
    const at::Tensor images = random_images(2, 32);
    const at::Tensor evaluated = model->network().forward(images, false).logits;
    CHECK(evaluated.equal(model->network().forward(images, false).logits));
    return model->network().forward(images, true).logits;
  };
  CHECK(run("1").equal(run("1")));
  CHECK_FALSE(run("1").equal(run("2")));
}

TEST_CASE("wrong images are refused with their shape") {
  const auto model = small_model();
  require_error(ErrorCode::invalid_argument, {"(N, 3, height, width)", "[2, 4, 16, 16]"},
                [&] { model->network().forward(at::zeros({2, 4, 16, 16}), false); });
}

TEST_CASE("a single image of one pixel planes cannot train batch norm") {
  const auto model = small_model();
  require_error(ErrorCode::invalid_argument, {"one value per channel", "larger batch"},
                [&] { model->network().forward(random_images(1), true); });
}

TEST_CASE("a maximum behind a ReLU has the values and gradients of the two in their order") {
  const auto model = small_model({{"variant", "imagenet"}, {"image_size", "32"}});
  Network& network = model->network();
  const at::Tensor images = random_images(2, 32);
  const at::Tensor weight = test::entry_of(*model, "conv1.weight");

  // The stem written out, in the order of the architecture.
  const auto entry = [&](const char* name) { return test::entry_of(*model, name); };
  const at::Tensor stem = at::batch_norm(at::conv2d(images, weight, {}, 2, 3), entry("bn1.weight"),
                                         entry("bn1.bias"), {}, {}, true, 0.1, 1e-5, false);
  const at::Tensor expected = at::max_pool2d(at::relu(stem), 3, 2, 1);

  // A network that ends at its pool.
  Architecture head = model->architecture();
  const auto pool = std::find_if(head.nodes.begin(), head.nodes.end(), [](const Node& node) {
    return std::holds_alternative<MaxPool>(node.operation);
  });
  REQUIRE(pool != head.nodes.end());
  head.logits = static_cast<std::int32_t>(pool - head.nodes.begin());
  Network partial(head, network.device(), Network::Layout::rows, 0);
  for (std::size_t i = 0; i < partial.state().size(); ++i) {
    partial.state()[i].tensor.detach().copy_(network.state()[i].tensor);
  }
  const at::Tensor ours = partial.forward(images, true).logits;
  CHECK(at::allclose(ours, expected, 1e-5, 1e-6));
  ours.square().sum().backward();
  expected.square().sum().backward();
  at::Tensor gradient;
  for (const Network::Entry& candidate : partial.state()) {
    if (candidate.specification.name == "conv1.weight") gradient = candidate.tensor.grad();
  }
  CHECK(at::allclose(gradient, weight.grad(), 1e-4, 1e-5));
}

TEST_CASE("a limit keeps the largest gates of each image and of equals the first") {
  const auto model = small_model({{"gate_init", "random"}});
  const at::Tensor images = random_images(6);
  const c10::NoGradGuard no_gradient;
  const Network::Outputs all = model->network().forward(images, false);
  std::vector<std::int64_t> limits;
  for (const at::Tensor& layer : all.gates) limits.push_back(layer.size(1) / 4);
  model->set_gate_limits(limits);
  const at::Tensor first = model->network().forward(images, false).gates.front();
  for (std::int64_t image = 0; image < images.size(0); ++image) {
    const at::Tensor before = all.gates.front()[image], after = first[image];
    const at::Tensor threshold = std::get<0>(before.sort(0, /*descending=*/true))[limits[0] - 1];
    CHECK(after.gt(0).sum().item<std::int64_t>() ==
          std::min(limits[0], before.gt(0).sum().item<std::int64_t>()));
    CHECK(after.masked_select(after.gt(0)).equal(before.masked_select(before.gt(0) & before.ge(threshold))));
  }
  // Heads without weights leave equal gates.
  model->set_gate_influence(0.0);
  for (const char* name : {"layer1.0.gate1.fc.bias"}) test::entry_of(*model, name).fill_(1.0);
  const at::Tensor equal = model->network().forward(images, false).gates.front();
  CHECK(equal.narrow(1, 0, limits[0]).eq(1.0).all().item<bool>());
  CHECK(equal.narrow(1, limits[0], equal.size(1) - limits[0]).eq(0.0).all().item<bool>());
}

TEST_CASE("experts beyond the limit get no gradient and the others the usual one") {
  const auto model = small_model();
  const at::Tensor images = random_images(4);
  std::vector<std::int64_t> limits;
  for (const std::int32_t node : model->architecture().gates()) {
    limits.push_back(infer_shapes(model->architecture())[static_cast<std::size_t>(node)].channels / 2);
  }
  model->set_gate_limits(limits);
  model->set_gate_influence(0.0);
  model->network().forward(images, true).logits.square().sum().backward();
  const at::Tensor gradient = test::entry_of(*model, "layer1.0.gate1.fc.bias").grad();
  CHECK(gradient.narrow(0, 0, limits[0]).ne(0.0).all().item<bool>());
  CHECK(gradient.narrow(0, limits[0], gradient.size(0) - limits[0]).eq(0.0).all().item<bool>());
}

TEST_CASE("the influence of the embedding is a factor on the weights of the heads") {
  const auto model = small_model({{"gate_init", "random"}});
  const at::Tensor images = random_images(3);
  model->set_gate_influence(0.25);
  const at::Tensor scaled = logits(*model, images);
  model->set_gate_influence(1.0);
  for (const Network::Entry& entry : model->network().state()) {
    if (entry.specification.name.find(".gate") != std::string::npos &&
        entry.specification.name.ends_with("fc.weight")) {
      at::Tensor weight = entry.tensor;
      weight.detach().mul_(0.25);
    }
  }
  CHECK(at::allclose(logits(*model, images), scaled, 1e-5, 1e-6));
}
