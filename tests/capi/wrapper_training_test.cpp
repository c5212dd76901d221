// include/deepmoe.hpp over libdeepmoe: data sets, models and training.

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/temporary_folder.hpp"
#include "capi/host_tensor.hpp"
#include "capi/small_network.hpp"
#include "deepmoe.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;
using nlohmann::json;

namespace {

dmoe::Options wrapped_options(const json& more = json::object()) {
  dmoe::Options options;
  Owned<dmoe_options> small = small_options(more);
  Owned<dmoe_string> text;
  REQUIRE(dmoe_options_to_json(small, text.out(), nullptr) == DMOE_OK);
  options.set_json(take(text));
  return options;
}

struct OwnException : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

TEST_CASE_FIXTURE(NoLeaks, "the wrapper trains and evaluates and saves and loads") {
  const TemporaryFolder folder;
  const dmoe::Options options = wrapped_options();
  const dmoe::Dataset train(options, "train"), test(options, "test");
  CHECK(train.size() == 64);
  CHECK(train.num_classes() == 4);
  CHECK(json::parse(train.describe()).at("size") == 64);
  dmoe::Model model(options, train);
  dmoe::Trainer trainer(model, options);
  int epochs = 0;
  const json summary = json::parse(trainer.fit(train, &test, [&](std::int32_t event, const char*) {
    epochs += event == DMOE_EVENT_EPOCH ? 1 : 0;
    return 0;
  }));
  CHECK(epochs == 1);
  CHECK(summary.contains("accuracy"));
  const json figures = json::parse(model.evaluate(test));
  CHECK(figures.at("samples") == 32);
  CHECK(json::parse(model.evaluate(test, &options)).at("accuracy") == figures.at("accuracy"));
  model.save(folder.file("network.safetensors"));
  dmoe::Model loaded = dmoe::Model::load(folder.file("network.safetensors"));
  CHECK(json::parse(loaded.describe()).at("model") == "resnet18_moe");
  CHECK(json::parse(loaded.evaluate(test)).at("accuracy") == figures.at("accuracy"));
  dmoe::Model again = dmoe::Model::load(folder.file("network.safetensors"), dmoe::Options{{"device", "cpu"}});
  again.load_state(model.state());
  const Arrays arrays(3);
  CHECK(again.forward(arrays.images, 3, side, side) == model.forward(arrays.images, 3, side, side));
}

TEST_CASE_FIXTURE(NoLeaks, "the wrapper steps on arrays and on tensors") {
  const dmoe::Options options = wrapped_options({{"optimizer", "sgd"}, {"lr", 0.05}});
  dmoe::Model model(options);
  dmoe::Trainer trainer(model, options);
  trainer.begin_epoch(0, 10);
  Arrays arrays(8);
  double first = 0, last = 0;
  trainer.step(arrays.images, arrays.labels, side, side, &first);
  for (int i = 0; i < 5; ++i) trainer.step(arrays.images, arrays.labels, side, side);
  HostTensor images(arrays.images.data(), f32_type, {8, 3, side, side});
  HostTensor labels(arrays.labels.data(), i64_type, {8});
  trainer.step(&images.managed, &labels.managed, &last);
  CHECK(last < first);
  CHECK(json::parse(trainer.metrics()).at("samples") == 56);
  const dmoe::Tensors outputs = model.forward(&images.managed);
  CHECK(outputs.shape("logits") == std::vector<std::int64_t>{8, classes});
  CHECK(outputs.read("logits") == model.forward(arrays.images, 8, side, side));
  CHECK_THROWS_AS(trainer.step(arrays.images, arrays.labels, side, side + 1), dmoe::Error);
  CHECK_THROWS_AS(model.forward(arrays.images, 7, side, side), dmoe::Error);
  CHECK_THROWS_AS(model.read_image("/no/such/image.png"), dmoe::Error);
}

TEST_CASE_FIXTURE(NoLeaks, "a process without a launcher is alone") {
  const dmoe::ProcessPlace place = dmoe::process_place(wrapped_options());
  CHECK(place.rank == 0);
  CHECK(place.size == 1);
}

TEST_CASE_FIXTURE(NoLeaks, "the wrapper saves and loads the state of a trainer") {
  const TemporaryFolder folder;
  const dmoe::Options options = wrapped_options();
  dmoe::Model model(options), other(options);
  dmoe::Trainer trainer(model, options), later(other, options);
  CHECK(trainer.position().epoch == -1);
  const Arrays arrays(8);
  trainer.begin_epoch(0, 10);
  for (int i = 0; i < 2; ++i) trainer.step(arrays.images, arrays.labels, side, side);
  trainer.save_state(folder.file("state.safetensors"));
  later.load_state(folder.file("state.safetensors"));
  CHECK(later.position().step == 2);
  CHECK(later.position().step_in_epoch == 2);
  CHECK(other.forward(arrays.images, 8, side, side) == model.forward(arrays.images, 8, side, side));
  CHECK_THROWS_AS(later.load_state(folder.file("absent")), dmoe::Error);
}

TEST_CASE_FIXTURE(NoLeaks, "the wrapper gives the model its averaged weights and its own back") {
  const dmoe::Options options = wrapped_options({{"ema", 0.9}});
  dmoe::Model model(options);
  dmoe::Trainer trainer(model, options);
  const Arrays arrays(8);
  trainer.step(arrays.images, arrays.labels, side, side);
  const auto own = model.forward(arrays.images, 8, side, side);
  trainer.use_average(true);
  CHECK(model.forward(arrays.images, 8, side, side) != own);
  CHECK_THROWS_AS(trainer.step(arrays.images, arrays.labels, side, side), dmoe::Error);
  trainer.use_average(false);
  CHECK(model.forward(arrays.images, 8, side, side) == own);
}

TEST_CASE_FIXTURE(NoLeaks, "the wrapper trains on batches of a loader") {
  const dmoe::Options options = wrapped_options({{"optimizer", "sgd"}, {"lr", 0.05}});
  const dmoe::Dataset dataset(options, "train");
  dmoe::Model model(options, dataset);
  dmoe::Trainer trainer(model, options);
  dmoe::Loader loader(dataset, options, true, 2);
  CHECK(loader.num_batches() == 4);
  CHECK(loader.image_size() == side);
  std::int64_t samples = 0;
  for (dmoe::Loader::Batch batch = loader.next(); batch.size() > 0; batch = loader.next()) {
    trainer.step(batch.images, batch.labels, side, side);
    samples += batch.size();
  }
  CHECK(samples == 64);
  CHECK(json::parse(trainer.metrics()).at("samples") == 64);
  CHECK_THROWS_AS(dmoe::Loader(dataset, options, true, -1), dmoe::Error);
}

TEST_CASE_FIXTURE(NoLeaks, "more logits than the first buffer takes are returned whole") {
  const dmoe::Options options = wrapped_options({{"num_classes", 1500}});
  dmoe::Model model(options);
  const Arrays arrays(2);
  CHECK(model.forward(arrays.images, 2, side, side).size() == 3000);
}

TEST_CASE_FIXTURE(NoLeaks, "what a wrapped callback throws arrives unchanged") {
  const dmoe::Options options = wrapped_options();
  const dmoe::Dataset train(options, "train");
  dmoe::Model model(options, train);
  dmoe::Trainer trainer(model, options);
  const dmoe::EventCallback throws = [](std::int32_t, const char*) -> std::int32_t {
    throw OwnException("of the host");
  };
  CHECK_THROWS_AS(trainer.fit(train, nullptr, throws), OwnException);
  CHECK_THROWS_AS(model.evaluate(train, nullptr, throws), OwnException);
  try {
    trainer.fit(train, nullptr, [](std::int32_t, const char*) { return -7; });
    FAIL("nothing was thrown");
  } catch (const dmoe::Error& error) {
    CHECK(error.code() == -7);
  }
}

TEST_CASE_FIXTURE(NoLeaks, "the wrapper keeps the owner of lent images as long as needed") {
  auto arrays = std::make_shared<Arrays>(8);
  const std::weak_ptr<Arrays> watch = arrays;
  {
    const dmoe::Dataset dataset =
        dmoe::Dataset::of(arrays->images, arrays->labels, side, side, classes, arrays);
    arrays.reset();
    CHECK_FALSE(watch.expired());
    CHECK(dataset.size() == 8);
  }
  CHECK(watch.expired());
  const std::vector<std::uint8_t> bytes(2 * side * side);
  const std::vector<std::int64_t> labels = {0, 1};
  CHECK(dmoe::Dataset::of(bytes, labels, 1, side, side, DMOE_LAYOUT_NHWC, 2).num_classes() == 2);
  auto owner = std::make_shared<int>(1);
  CHECK_THROWS_AS(dmoe::Dataset::of(bytes, labels, 1, side, side, DMOE_LAYOUT_NHWC, 1, owner), dmoe::Error);
  CHECK_THROWS_AS(dmoe::Dataset::of(bytes, labels, 3, side, side, DMOE_LAYOUT_NHWC, 2, owner), dmoe::Error);
  CHECK(owner.use_count() == 1);
}

TEST_CASE_FIXTURE(NoLeaks, "the wrapped diagnosis is JSON") {
  CHECK(json::parse(dmoe::diagnose()).at("deepmoe") == dmoe::version());
}
