#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/trainer_state.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "model/host_state.hpp"
#include "model/small_model.hpp"
#include "model/tensor_bridge.hpp"

using namespace deepmoe;
using nlohmann::json;
using test::random_images;
using test::small_options;

namespace {

constexpr std::int64_t steps_per_epoch = 3, steps = 8;

/// A trainer with its model, for a loop of the host's own.
struct Training {
  explicit Training(const Options& options) : model(Model::create(options)), trainer(model, options) {}

  /// Does the steps from where it stands up to, not including, step `end`.
  void run_to(std::int64_t end) {
    while (trainer.position().step < end) {
      const std::int64_t step = trainer.position().step;
      if (step % steps_per_epoch == 0) trainer.begin_epoch(step / steps_per_epoch, steps_per_epoch);
      const auto size = model->options().integer("image_size");
      const at::Tensor images = random_images(4, size, static_cast<std::uint64_t>(step) + 1);
      trainer.step(to_shared("images", images), to_shared("labels", at::tensor({0, 1, 2, 3}, at::kLong)),
                   nullptr);
    }
  }

  std::vector<at::Tensor> weights() const {
    std::vector<at::Tensor> copies;
    for (const SharedTensor& tensor : model->state()) copies.push_back(to_torch(tensor).detach().clone());
    return copies;
  }

  std::shared_ptr<Model> model;
  Trainer trainer;
};

bool same_bits(const std::vector<at::Tensor>& left, const std::vector<at::Tensor>& right) {
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!left[i].equal(right[i])) return false;
  }
  return left.size() == right.size();
}

/// Interrupts the loop after every step; each time another trainer goes on.
void check_every_interruption(const Options& options) {
  const TemporaryFolder folder;
  const std::string path = folder.file("state.safetensors");
  Training whole(options);
  whole.run_to(steps);
  const std::vector<at::Tensor> expected = whole.weights();
  const json metrics = whole.trainer.metrics();

  for (std::int64_t stop = 0; stop < steps; ++stop) {
    CAPTURE(stop);
    Training first(options);
    first.run_to(stop);
    first.trainer.save_state(path);
    Training second(options);
    // What it did before is forgotten.
    second.run_to(stop % 2);
    second.trainer.load_state(path);
    CHECK(second.trainer.position().step == stop);
    second.run_to(steps);
    CHECK(same_bits(second.weights(), expected));
    CHECK(second.trainer.metrics() == metrics);
    if (options.real("ema") == 0.0) continue;
    for (Training* training : {&whole, &second}) training->trainer.use_average(true);
    CHECK(same_bits(second.weights(), whole.weights()));
    CHECK_FALSE(same_bits(second.weights(), expected));
    whole.trainer.use_average(false);
  }
}

}  // namespace

TEST_CASE("a trainer goes on from every step of a run with momentum and frozen epochs and clipping") {
  check_every_interruption(small_options({{"epochs", "3"},
                                          {"freeze_epochs", "1"},
                                          {"optimizer", "sgd"},
                                          {"gradient_clip", "1"},
                                          {"warmup_epochs", "0.5"}}));
}

TEST_CASE("a trainer goes on from every step of a run with adam and accumulated gradients") {
  check_every_interruption(
      small_options({{"epochs", "3"}, {"optimizer", "adamw"}, {"gradient_accumulation", "3"}}));
}

TEST_CASE("a trainer goes on from every step of a run with dropout") {
  check_every_interruption(small_options({{"epochs", "3"},
                                          {"model", "vgg11_moe"},
                                          {"variant", "imagenet"},
                                          {"image_size", "32"},
                                          {"width", "0.0625"}}));
}

TEST_CASE("a trainer goes on from every step of a run with an average and a target and mixed batches") {
  check_every_interruption(small_options({{"epochs", "3"},
                                          {"ema", "0.9"},
                                          {"target_density", "0.3"},
                                          {"lambda_val", "0.05"},
                                          {"mixup", "0.4"},
                                          {"cutmix", "1"}}));
}

TEST_CASE("the state of a loop without epochs leaves the epoch of the trainer that takes it") {
  const TemporaryFolder folder;
  const Options options = small_options({{"epochs", "3"}, {"freeze_epochs", "1"}, {"lr", "0.03"}});
  Training(options).trainer.save_state(folder.file("x"));
  Training later(options);
  later.trainer.begin_epoch(2, 5);
  later.trainer.load_state(folder.file("x"));
  CHECK(later.trainer.position().epoch == -1);
  CHECK(later.trainer.metrics()["lr"] == 0.03);
  CHECK(test::entry_of(*later.model, "embedding.net.0.weight").requires_grad());
}

TEST_CASE("a checkpoint that does not fit is refused in words and changes nothing") {
  const TemporaryFolder folder;
  const Options options = small_options({{"epochs", "5"}, {"optimizer", "sgd"}});
  const std::string path = folder.file("state.safetensors");
  Training source(options);
  source.run_to(5);
  source.trainer.save_state(path);

  const auto refused = [&](const std::vector<std::pair<std::string, std::string>>& changes, ErrorCode code,
                           const std::vector<std::string>& parts) {
    Options others = options;
    for (const auto& [name, value] : changes) others.set(name, value);
    Training other(others);
    other.run_to(1);
    const std::vector<at::Tensor> before = other.weights();
    require_error(code, parts, [&] { other.trainer.load_state(path); });
    CHECK(same_bits(other.weights(), before));
    CHECK(other.trainer.position().step == 1);
  };
  refused({{"model", "resnet18"}}, ErrorCode::invalid_argument, {path, "'resnet18_moe'", "'resnet18'"});
  refused({{"width", "0.25"}}, ErrorCode::invalid_argument, {path, "another form", "width"});
  refused({{"lr", "0.5"}}, ErrorCode::invalid_argument, {path, "option 'lr' is 0.5", "0.1"});
  refused({{"optimizer", "adam"}}, ErrorCode::invalid_argument, {path, "'optimizer' is adam", "sgd"});
  refused({{"epochs", "1"}}, ErrorCode::invalid_argument, {path, "'epochs' is 1", "2 or more"});
}

TEST_CASE("a damaged checkpoint is refused and changes nothing") {
  const TemporaryFolder folder;
  const Options options = small_options({{"gradient_accumulation", "2"}});
  Training source(options);
  source.run_to(3);
  const std::string path = folder.file("damaged.safetensors");
  const auto refused = [&](const std::string& section, const json& values,
                           const std::vector<SharedTensor>& tensors, const std::vector<std::string>& parts) {
    source.trainer.save_state(path);
    Checkpoint damaged(path);
    damaged.set(section, values, tensors);
    damaged.write(path, *source.model);
    Training target(options);
    const std::vector<at::Tensor> before = target.weights();
    require_error(ErrorCode::format, parts, [&] { target.trainer.load_state(path); });
    CHECK(same_bits(target.weights(), before));
    CHECK(target.trainer.position().step == 0);
  };
  const json position = {
      {"step", 3}, {"epoch", 1}, {"step_in_epoch", 0}, {"steps_per_epoch", 3}, {"accumulated", 1}};
  for (const auto& [member, value] : std::vector<std::pair<std::string, json>>{{"step", -1},
                                                                               {"epoch", -2},
                                                                               {"step_in_epoch", "none"},
                                                                               {"steps_per_epoch", 0},
                                                                               {"accumulated", 2}}) {
    json wrong = position;
    wrong[member] = value;
    refused("position", wrong, {}, {path, member});
  }
  refused("gradients", json::object(), {to_shared("fc.weight", at::ones({2}))}, {path, "fc.weight"});
  refused("gradients", json::object(), {to_shared("bn1.running_mean", at::ones({8}))},
          {path, "running_mean"});
  refused("optimizer", json::object(), {}, {path});
  refused("average", json::object(), {to_shared("fc.weight", at::ones({2}))}, {path, "average"});
  refused("gate_control", json::object(), {to_shared("memory", at::ones({5}, at::kDouble))},
          {path, "control of the gates"});
  refused("loss_scale", json::object(), {to_shared("scale", at::ones({1}))}, {path, "scale"});
  refused("statistics", {{"samples", 4}}, {to_shared("sums", at::zeros({2}, at::kDouble))}, {path, "sums"});
  refused("generator", {{"device", "cpu"}}, {to_shared("state", at::zeros({5}, at::kByte))},
          {path, "generator"});
  refused("generator", {{"device", "cpu"}}, {}, {path, "generator"});
  refused("options", json::array(), {}, {path, "options"});
}
