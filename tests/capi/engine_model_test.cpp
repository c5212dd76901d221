// Engines beside the model that they were made from.

#include <dlpack/dlpack.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/temporary_folder.hpp"
#include "capi/host_tensor.hpp"
#include "capi/small_network.hpp"
#include "deepmoe.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;

namespace {

void check_near(const std::vector<float>& ours, const std::vector<float>& expected) {
  REQUIRE(ours.size() == expected.size());
  float largest = 0, difference = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    difference = std::max(difference, std::abs(ours[i] - expected[i]));
  }
  CHECK(largest > 0);
  CHECK(difference <= 1e-4F * largest);
}

/// A network some of whose gates are zero.
Owned<dmoe_model> gated_model(const std::string& position) {
  Owned<dmoe_model> model = small_model({{"gate_position", position}, {"gate_bias", true}});
  Owned<dmoe_tensors> state;
  REQUIRE(dmoe_model_state(model, state.out(), nullptr) == DMOE_OK);
  for (int64_t i = 0; i < dmoe_tensors_count(state); ++i) {
    const std::string name = dmoe_tensors_name(state, i);
    if (name.find("gate") == std::string::npos) continue;
    DLManagedTensor* tensor = nullptr;  // shares the model's memory
    REQUIRE(dmoe_tensors_get(state, name.c_str(), &tensor, nullptr) == DMOE_OK);
    int64_t elements = 1;
    for (int k = 0; k < tensor->dl_tensor.ndim; ++k) elements *= tensor->dl_tensor.shape[k];
    auto* const values = static_cast<float*>(tensor->dl_tensor.data);
    for (int64_t k = 0; k < elements; ++k) values[k] = std::sin(static_cast<float>(k * 37 + i));
    tensor->deleter(tensor);
  }
  return model;
}

}  // namespace

TEST_CASE_FIXTURE(NoLeaks, "an engine gives what the model gives for every gate position") {
  for (const char* position : {"pre_bn", "post_bn", "input"}) {
    CAPTURE(position);
    Owned<dmoe_model> model = gated_model(position);
    Arrays arrays(5);
    Owned<dmoe_engine> own_engine;
    check_succeeds([&](dmoe_error** error) {
      return dmoe_engine_create_from_model(model, nullptr, own_engine.out(), error);
    });
    const TemporaryFolder folder;
    const std::string path = folder.file("w.safetensors");
    REQUIRE(dmoe_model_save(model, path.c_str(), nullptr) == DMOE_OK);
    const dmoe::Engine from_file(path);
    Owned<dmoe_engine> from_model = std::move(own_engine);

    HostTensor images(arrays.images.data(), f32_type, {5, 3, side, side});
    Owned<dmoe_tensors> expected;
    check_succeeds([&](dmoe_error** error) {
      return dmoe_model_forward(model, &images.managed, expected.out(), error);
    });
    const auto outputs = from_file.run_outputs(arrays.images, 5, side, side);
    check_near(outputs.logits, values_of(expected, "logits"));
    check_near(outputs.embedding, values_of(expected, "embedding"));
    check_near(outputs.embedding_logits, values_of(expected, "embedding_logits"));

    // The gates of all layers, image by image.
    const nlohmann::json gates = nlohmann::json::parse(from_file.describe()).at("gates");
    const std::size_t experts = outputs.gates.size() / 5;
    std::size_t first = 0;
    for (const nlohmann::json& gate : gates) {
      const std::vector<float> layer = values_of(expected, "gate." + gate.at("name").get<std::string>());
      const std::size_t width = layer.size() / 5;
      std::vector<float> ours;
      for (std::size_t image = 0; image < 5; ++image) {
        const auto start = outputs.gates.begin() + static_cast<std::ptrdiff_t>(image * experts + first);
        ours.insert(ours.end(), start, start + static_cast<std::ptrdiff_t>(width));
      }
      check_near(ours, layer);
      first += width;
    }
    CHECK(first == experts);

    std::vector<float> logits(5 * classes);
    check_succeeds([&](dmoe_error** error) {
      return dmoe_engine_run(from_model, arrays.images.data(), 5, side, side, logits.data(), 5 * classes,
                             nullptr, nullptr, error);
    });
    CHECK(logits == outputs.logits);
  }
}

TEST_CASE_FIXTURE(NoLeaks, "an engine keeps the weights it was made from while the model is trained on") {
  Owned<dmoe_model> model = small_model();
  const Owned<dmoe_options> options = small_options({{"lr", 0.5}});
  Arrays arrays(16);
  Owned<dmoe_trainer> trainer;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_trainer_create(model, options, trainer.out(), error); });
  const auto step = [&] {
    check_succeeds([&](dmoe_error** error) {
      return dmoe_trainer_step_f32(trainer, arrays.images.data(), arrays.labels.data(), 16, side, side,
                                   nullptr, error);
    });
  };
  step();
  const std::vector<float> before = logits_of(model, arrays);
  Owned<dmoe_engine> engine;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_engine_create_from_model(model, R"({"threads": 1})", engine.out(), error);
  });
  CHECK(logits_of(model, arrays) == before);
  step();
  CHECK(logits_of(model, arrays) != before);
  std::vector<float> logits(16 * classes);
  trainer.reset();
  model.reset();
  check_succeeds([&](dmoe_error** error) {
    return dmoe_engine_run(engine, arrays.images.data(), 16, side, side, logits.data(), 16 * classes, nullptr,
                           nullptr, error);
  });
  check_near(logits, before);
}

TEST_CASE_FIXTURE(NoLeaks, "a folded dense model gives what the model gives") {
  const dmoe::Options options = {{"model", "resnet18"},
                                 {"width", "0.125"},
                                 {"image_size", "16"},
                                 {"num_classes", "4"},
                                 {"device", "cpu"}};
  dmoe::Model model(options);
  dmoe::Model folded = model.fold();
  Arrays arrays(2);
  check_near(folded.forward(arrays.images, 2, side, side), model.forward(arrays.images, 2, side, side));
  const TemporaryFolder folder;
  folded.save(folder.file("f.safetensors"));
  check_near(dmoe::Model::load(folder.file("f.safetensors")).forward(arrays.images, 2, side, side),
             model.forward(arrays.images, 2, side, side));
}

TEST_CASE_FIXTURE(NoLeaks, "the wrapper compiles a model") {
  const dmoe::Options options = {{"model", "resnet18_moe"},
                                 {"width", "0.125"},
                                 {"image_size", "16"},
                                 {"num_classes", "4"},
                                 {"device", "cpu"}};
  dmoe::Model model(options);
  const dmoe::Engine engine = model.compile(R"({"threads": 1})");
  Arrays arrays(2);
  check_near(engine.run(arrays.images, 2, side, side), model.forward(arrays.images, 2, side, side));
  CHECK(dmoe::live_objects(DMOE_KIND_ENGINE) == 1);
  CHECK_THROWS_AS(model.compile(R"({"precision": "fp16"})"), dmoe::Error);
}

TEST_CASE_FIXTURE(NoLeaks, "an engine is evaluated to the figures of its model") {
  const TemporaryFolder folder;
  const std::string path = folder.file("w.safetensors");
  REQUIRE(dmoe_model_save(gated_model("post_bn"), path.c_str(), nullptr) == DMOE_OK);
  dmoe::Model model = dmoe::Model::load(path);
  dmoe::Options options;
  options.set_json(R"({"lambda_val": 0.5, "num_classes": 4, "image_size": 16, "synthetic_test_size": 32,
                       "num_workers": 0, "batch_size": 20})");
  const dmoe::Dataset dataset(options, "test");
  const dmoe::Engine engine = model.compile();
  const nlohmann::json expected = nlohmann::json::parse(model.evaluate(dataset, &options));
  std::int64_t done = 0;
  const nlohmann::json ours =
      nlohmann::json::parse(dmoe::evaluate(engine, dataset, &options, [&](std::int32_t event, const char* json) {
        CHECK(event == DMOE_EVENT_VALIDATION);
        done = nlohmann::json::parse(json).at("done");
        return 0;
      }));
  CHECK(done == 32);
  CHECK(ours.size() == expected.size());
  for (const char* figure : {"samples", "loss", "accuracy", "top5_accuracy", "density", "dense_macs", "active_macs"}) {
    CAPTURE(figure);
    CHECK(ours.at(figure).get<double>() == doctest::Approx(expected.at(figure).get<double>()).epsilon(1e-4));
  }
  CHECK(ours.at("layers").size() == expected.at("layers").size());
  CHECK(ours.at("density").get<double>() < 1);

  // Without options, without a callback; and one that stops.
  CHECK(nlohmann::json::parse(dmoe::evaluate(engine, dataset)).at("accuracy") == ours.at("accuracy"));
  try {
    dmoe::evaluate(engine, dataset, &options, [](std::int32_t, const char*) { return -9; });
    FAIL("it was not stopped");
  } catch (const dmoe::Error& error) {
    CHECK(error.code() == -9);
  }
  // Classes that the network does not know.
  const dmoe::Options more = {{"dataset", "synthetic"}, {"num_classes", "7"}, {"synthetic_test_size", "8"}};
  CHECK_THROWS_AS(dmoe::evaluate(engine, dmoe::Dataset(more, "test")), dmoe::Error);
}
