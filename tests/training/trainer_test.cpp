#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/trainer.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "model/small_model.hpp"
#include "model/tensor_bridge.hpp"

using namespace deepmoe;
using test::random_images;
using test::small_options;

namespace {

SharedTensor labels_of(const std::vector<std::int64_t>& labels) {
  return to_shared("labels", at::tensor(labels, at::kLong));
}

const std::vector<std::int64_t> eight_labels{0, 1, 2, 3, 0, 1, 2, 3};

/// A network without batch norm, so that the images of a batch do not touch each other.
Options independent_options() {
  return small_options({{"model", "vgg11_moe"},
                        {"variant", "cifar"},
                        {"image_size", "32"},
                        {"embedding_norm", "none"},
                        {"optimizer", "sgd"},
                        {"lr", "0.05"},
                        {"label_smoothing", "0"}});
}

}  // namespace

TEST_CASE("steps on one batch bring its loss down") {
  const Options options = small_options({{"lr", "0.05"}});
  Trainer trainer(Model::create(options), options);
  const SharedTensor images = to_shared("images", random_images(8)), labels = labels_of(eight_labels);
  double first = 0.0, last = 0.0;
  trainer.step(images, labels, &first);
  for (int i = 0; i < 30; ++i) trainer.step(images, labels, &last);
  CHECK(last < 0.7 * first);
}

TEST_CASE("accumulated gradients equal those of the larger batch") {
  const auto weights_after = [](std::int64_t accumulation) {
    Options options = independent_options();
    options.set("gradient_accumulation", std::to_string(accumulation));
    const auto model = Model::create(options);
    Trainer trainer(model, options);
    const at::Tensor images = random_images(8, 32);
    const std::int64_t part = 8 / accumulation;
    for (int update = 0; update < 3; ++update) {
      for (std::int64_t i = 0; i < accumulation; ++i) {
        const std::vector<std::int64_t> labels(eight_labels.begin() + i * part,
                                               eight_labels.begin() + (i + 1) * part);
        trainer.step(to_shared("images", images.narrow(0, i * part, part)), labels_of(labels), nullptr);
      }
    }
    return test::entry_of(*model, "features.0.moe.conv_layer.weight").detach().clone();
  };
  const at::Tensor whole = weights_after(1);
  CHECK(at::allclose(weights_after(4), whole, 1e-4, 1e-5));
  const auto untrained = Model::create(independent_options());
  CHECK_FALSE(
      at::allclose(test::entry_of(*untrained, "features.0.moe.conv_layer.weight"), whole, 1e-4, 1e-5));
}

TEST_CASE("the weights change at the last batch of an accumulation only") {
  Options options = independent_options();
  options.set("gradient_accumulation", "2");
  const auto model = Model::create(options);
  Trainer trainer(model, options);
  const at::Tensor before = test::entry_of(*model, "classifier.0.weight").detach().clone();
  const SharedTensor images = to_shared("images", random_images(8, 32)), labels = labels_of(eight_labels);
  trainer.step(images, labels, nullptr);
  CHECK(test::entry_of(*model, "classifier.0.weight").equal(before));
  trainer.step(images, labels, nullptr);
  CHECK_FALSE(test::entry_of(*model, "classifier.0.weight").equal(before));
}

TEST_CASE("a loss that is not finite stops with the step and a remedy and keeps the weights") {
  const Options options = small_options();
  const auto model = Model::create(options);
  Trainer trainer(model, options);
  const SharedTensor labels = labels_of(eight_labels);
  trainer.step(to_shared("images", random_images(8)), labels, nullptr);
  const at::Tensor before = test::entry_of(*model, "fc.weight").detach().clone();
  at::Tensor poisoned = random_images(8);
  poisoned[3][1][2][2] = std::numeric_limits<float>::quiet_NaN();
  require_error(ErrorCode::numeric, {"step 2", "lr", "gradient_clip"},
                [&] { trainer.step(to_shared("images", poisoned), labels, nullptr); });
  CHECK(test::entry_of(*model, "fc.weight").equal(before));
}

TEST_CASE("labels that do not fit are refused before anything happens") {
  const Options options = small_options();
  Trainer trainer(Model::create(options), options);
  const SharedTensor images = to_shared("images", random_images(2));
  require_error(ErrorCode::invalid_argument, {"label 4", "image 1", "0..3"},
                [&] { trainer.step(images, labels_of({0, 4}), nullptr); });
  require_error(ErrorCode::invalid_argument, {"label -1"},
                [&] { trainer.step(images, labels_of({-1, 0}), nullptr); });
  require_error(ErrorCode::invalid_argument, {"2 images"},
                [&] { trainer.step(images, labels_of({0}), nullptr); });
  CHECK(trainer.metrics()["step"] == 0);
}

TEST_CASE("metrics are means since they were last read") {
  const Options options = small_options({{"lr", "0.0001"}});
  Trainer trainer(Model::create(options), options);
  const SharedTensor images = to_shared("images", random_images(8)), labels = labels_of(eight_labels);
  double first = 0.0, second = 0.0;
  trainer.step(images, labels, &first);
  trainer.step(images, labels, &second);
  const nlohmann::json metrics = trainer.metrics();
  CHECK(metrics["samples"] == 16);
  CHECK(metrics["step"] == 2);
  CHECK(metrics["loss"].get<double>() == doctest::Approx((first + second) / 2.0));
  CHECK(trainer.metrics()["samples"] == 0);
}

TEST_CASE("the last epochs freeze the embedding and leave the classification loss alone") {
  const Options options =
      small_options({{"epochs", "3"}, {"freeze_epochs", "1"}, {"mu", "1"}, {"lambda_val", "0.5"}});
  const auto model = Model::create(options);
  Trainer trainer(model, options);
  const SharedTensor images = to_shared("images", random_images(8)), labels = labels_of(eight_labels);
  const at::Tensor weight = test::entry_of(*model, "embedding.net.0.weight");
  double with_all = 0.0, with_one = 0.0;
  trainer.begin_epoch(1, 2);
  const at::Tensor before = weight.detach().clone();
  trainer.step(images, labels, &with_all);
  CHECK_FALSE(weight.equal(before));
  trainer.begin_epoch(2, 2);
  const at::Tensor frozen = weight.detach().clone();
  trainer.step(images, labels, &with_one);
  CHECK(weight.equal(frozen));
  CHECK(with_one < with_all - 0.5);
}

TEST_CASE("more frozen epochs than epochs are refused") {
  const Options options = small_options({{"epochs", "3"}, {"freeze_epochs", "4"}});
  require_error(ErrorCode::invalid_argument, {"freeze_epochs 4", "epochs 3"},
                [&] { Trainer trainer(Model::create(options), options); });
}

TEST_CASE("without begin_epoch the learning rate stays") {
  const Options options = small_options({{"lr", "0.03"}});
  Trainer trainer(Model::create(options), options);
  CHECK(trainer.metrics()["lr"] == 0.03);
  trainer.step(to_shared("images", random_images(8)), labels_of(eight_labels), nullptr);
  CHECK(trainer.metrics()["lr"] == 0.03);
}

TEST_CASE("weight decay can be kept from gate heads and norms and biases in a step") {
  const auto model_after_step = [](const char* weight_decay, const char* on_all) {
    const Options options = small_options({{"optimizer", "sgd"},
                                           {"lr", "0.01"},
                                           {"weight_decay", weight_decay},
                                           {"weight_decay_on_all", on_all},
                                           {"gate_bias", "true"}});
    auto model = Model::create(options);
    Trainer(model, options).step(to_shared("images", random_images(8)), labels_of(eight_labels), nullptr);
    return model;
  };
  const auto none = model_after_step("0", "true"), some = model_after_step("0.5", "false"),
             all = model_after_step("0.5", "true");
  for (const char* name : {"layer1.0.gate1.fc.weight", "layer1.0.gate1.fc.bias", "bn1.weight"}) {
    CAPTURE(name);
    CHECK(test::entry_of(*some, name).equal(test::entry_of(*none, name)));
    CHECK_FALSE(test::entry_of(*all, name).equal(test::entry_of(*none, name)));
  }
  CHECK_FALSE(test::entry_of(*some, "fc.weight").equal(test::entry_of(*none, "fc.weight")));
  CHECK(test::entry_of(*some, "fc.weight").equal(test::entry_of(*all, "fc.weight")));
}

TEST_CASE("every optimizer brings the loss of one batch down") {
  for (const auto& [optimizer, lr] : std::vector<std::pair<std::string, std::string>>{{"sgd", "0.05"},
                                                                                      {"adam", "0.003"},
                                                                                      {"adamw", "0.003"},
                                                                                      {"adamax", "0.003"},
                                                                                      {"rmsprop", "0.0005"},
                                                                                      {"adagrad", "0.01"},
                                                                                      {"adadelta", "1"}}) {
    CAPTURE(optimizer);
    const Options options = small_options({{"optimizer", optimizer}, {"lr", lr}});
    Trainer trainer(Model::create(options), options);
    const SharedTensor images = to_shared("images", random_images(8)), labels = labels_of(eight_labels);
    double first = 0.0, last = 0.0;
    trainer.step(images, labels, &first);
    for (int i = 0; i < 20; ++i) trainer.step(images, labels, &last);
    CHECK(last < 0.8 * first);
  }
}

TEST_CASE("a step on mixed images depends on seed and step alone") {
  const auto losses = [](const std::string& seed) {
    const Options options =
        small_options({{"lr", "0.01"}, {"mixup", "0.4"}, {"cutmix", "1"}, {"seed", seed}});
    Options same_start = options;
    same_start.set("seed", "0");
    Trainer trainer(Model::create(same_start), options);
    const SharedTensor images = to_shared("images", random_images(8)), labels = labels_of(eight_labels);
    std::vector<double> values(4);
    for (double& value : values) trainer.step(images, labels, &value);
    return values;
  };
  CHECK(losses("1") == losses("1"));
  CHECK(losses("1") != losses("2"));
}

TEST_CASE("steps in bf16 bring the loss down as those in single precision do") {
  const auto losses = [](const std::string& amp) {
    const Options options = small_options({{"lr", "0.05"}, {"amp", amp}});
    const auto model = Model::create(options);
    Trainer trainer(model, options);
    const SharedTensor images = to_shared("images", random_images(8)), labels = labels_of(eight_labels);
    std::vector<double> values(20);
    for (double& value : values) trainer.step(images, labels, &value);
    CHECK((test::entry_of(*model, "conv1.weight").scalar_type() == at::kFloat));
    return values;
  };
  const std::vector<double> exact = losses("off"), rounded = losses("bf16");
  CHECK(rounded.front() == doctest::Approx(exact.front()).epsilon(0.02));
  CHECK(rounded.front() != exact.front());
  CHECK(rounded.back() == doctest::Approx(exact.back()).epsilon(0.1));
}

TEST_CASE("a trainer tells the lambda_val that it steers") {
  const Options options = small_options({{"gate_select", "relu"},
                                         {"embedding_influence", "1"},
                                         {"influence_schedule", "none"},
                                         {"lr", "0.05"},
                                         {"lambda_val", "0.01"},
                                         {"target_density", "0.3"},
                                         {"epochs", "4"}});
  Trainer trainer(Model::create(options), options);
  const SharedTensor images = to_shared("images", random_images(8)), labels = labels_of(eight_labels);
  CHECK(trainer.metrics()["lambda_val"] == 0.01);
  for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
    trainer.begin_epoch(epoch, 8);
    for (int step = 0; step < 8; ++step) trainer.step(images, labels, nullptr);
  }
  CHECK(trainer.metrics()["lambda_val"].get<double>() > 0.02);
}
