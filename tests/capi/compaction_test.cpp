#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/temporary_folder.hpp"
#include "capi/small_network.hpp"
#include "deepmoe.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;
using nlohmann::json;

namespace {

/// A model in which the first five experts of a layer never act, and arrays to count on.
struct Prepared {
  Prepared() : arrays(12), model(small_model({{"gate_position", "pre_bn"}})) {
    check_succeeds([&](dmoe_error** error) {
      return dmoe_dataset_create_f32(arrays.images.data(), arrays.labels.data(), 12, side, side, classes,
                                     nullptr, nullptr, dataset.out(), error);
    });
    Owned<dmoe_tensors> state, changed;
    check_succeeds([&](dmoe_error** error) { return dmoe_model_state(model, state.out(), error); });
    check_succeeds([&](dmoe_error** error) { return dmoe_tensors_create(changed.out(), error); });
    for (int64_t i = 0; i < dmoe_tensors_count(state); ++i) {
      const std::string name = dmoe_tensors_name(state, i);
      if (name.find("num_batches_tracked") != std::string::npos) continue;
      int64_t shape[8], rank = 0;
      REQUIRE(dmoe_tensors_shape(state, name.c_str(), shape, 8, &rank, nullptr) == DMOE_OK);
      std::vector<float> values = values_of(state, name);
      if (name == "layer2.1.gate1.fc.bias") std::fill_n(values.begin(), 5, -9.0F);
      REQUIRE(dmoe_tensors_add_f32(changed, name.c_str(), values.data(), shape, rank, nullptr) == DMOE_OK);
    }
    check_succeeds([&](dmoe_error** error) { return dmoe_model_load_state(model, changed, error); });
  }

  int32_t compact(const char* settings, dmoe_error** error) {
    return dmoe_model_compact(model, dataset, settings, nullptr, nullptr, nullptr, compacted.out(),
                              report.out(), error);
  }

  Arrays arrays;
  Owned<dmoe_model> model;
  Owned<dmoe_dataset> dataset;
  Owned<dmoe_model> compacted;
  Owned<dmoe_string> report;
};

}  // namespace

TEST_CASE_FIXTURE(NoLeaks, "a host compacts a model and saves and loads the smaller one") {
  const TemporaryFolder folder;
  const std::string path = folder.file("small.safetensors");
  Prepared prepared;
  check_succeeds([&](dmoe_error** error) { return prepared.compact(nullptr, error); });
  const json report = json::parse(take(prepared.report));
  CHECK(report.at("samples") == 12);
  CHECK(report.at("before").at("experts").get<int>() - report.at("after").at("experts").get<int>() >= 4);
  CHECK(report.at("after").at("parameters") < report.at("before").at("parameters"));

  const std::vector<float> before = logits_of(prepared.model, prepared.arrays);
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_model_save(prepared.compacted, path.c_str(), error); });
  Owned<dmoe_model> loaded;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_model_load(path.c_str(), nullptr, loaded.out(), error); });
  const std::vector<float> after = logits_of(loaded, prepared.arrays);
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(after[i] == doctest::Approx(before[i]).epsilon(1e-4));

  Owned<dmoe_string> text;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_model_architecture_describe(loaded, text.out(), error); });
  const json described = json::parse(take(text));
  CHECK(described.at("model") == "resnet18_moe_compacted");
  CHECK(described.at("totals").at("all").at("parameters") == report.at("after").at("parameters"));
  check_succeeds([&](dmoe_error** error) { return dmoe_model_architecture_text(loaded, text.out(), error); });
  CHECK(take(text).find("resnet18_moe_compacted") == 0);
}

TEST_CASE_FIXTURE(NoLeaks,
                  "a model's own network is the one that its options describe until it is compacted") {
  const Owned<dmoe_options> options = small_options();
  const Owned<dmoe_model> model = small_model();
  Owned<dmoe_string> own, described;
  check_succeeds([&](dmoe_error** error) { return dmoe_model_architecture_text(model, own.out(), error); });
  check_succeeds([&](dmoe_error** error) { return dmoe_architecture_text(options, described.out(), error); });
  CHECK(take(own) == take(described));
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_model_architecture_describe(model, own.out(), error); });
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_architecture_describe(options, described.out(), error); });
  CHECK(take(own) == take(described));
}

TEST_CASE_FIXTURE(NoLeaks, "settings of a compaction are read strictly") {
  Prepared prepared;
  const auto refuses = [&](const char* settings, int32_t status, const char* part) {
    INFO("settings: ", std::string(settings));
    check_fails(status, part, [&](dmoe_error** error) { return prepared.compact(settings, error); });
  };
  refuses("[]", DMOE_ERROR_FORMAT, "settings_json");
  refuses("{", DMOE_ERROR_FORMAT, "settings_json");
  refuses("{\"min_utilisation\": NaN}", DMOE_ERROR_FORMAT, "settings_json");
  refuses("{\"min_utilisation\": \"0.1\"}", DMOE_ERROR_INVALID_ARGUMENT, "must be a number");
  refuses("{\"min_utilisation\": 1.01}", DMOE_ERROR_INVALID_ARGUMENT, "from 0");
  refuses("{\"min_utilization\": 0.1}", DMOE_ERROR_INVALID_ARGUMENT, "min_utilisation");
  refuses("{\"classes\": 3}", DMOE_ERROR_INVALID_ARGUMENT, "array");
  refuses("{\"classes\": [1.5]}", DMOE_ERROR_INVALID_ARGUMENT, "1.5");
  refuses("{\"classes\": [4]}", DMOE_ERROR_INVALID_ARGUMENT, "no class 4");
  refuses("{\"classes\": [\"dog\"]}", DMOE_ERROR_INVALID_ARGUMENT, "no class 'dog'");
  check_succeeds([&](dmoe_error** error) {
    return prepared.compact("{\"classes\": [1, \"3\", 1], \"min_utilisation\": 0}", error);
  });
  const json report = json::parse(take(prepared.report));
  CHECK(report.at("samples") == 6);
  CHECK(report.at("classes") == json({1, 3}));
}

TEST_CASE_FIXTURE(NoLeaks, "a host compacts without a report and with a callback that ends it") {
  Prepared prepared;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_model_compact(prepared.model, prepared.dataset, nullptr, nullptr, nullptr, nullptr,
                              prepared.compacted.out(), nullptr, error);
  });
  const auto stop = [](int32_t, const char*, void*) -> int32_t { return -5; };
  Owned<dmoe_model> none;
  check_fails(-5, "callback", [&](dmoe_error** error) {
    return dmoe_model_compact(prepared.model, prepared.dataset, nullptr, nullptr, stop, nullptr, none.out(),
                              nullptr, error);
  });
  CHECK(static_cast<dmoe_model*>(none) == nullptr);
}

TEST_CASE_FIXTURE(NoLeaks, "the wrapper compacts a model") {
  Prepared prepared;
  const dmoe::Dataset dataset =
      dmoe::Dataset::of(prepared.arrays.images, prepared.arrays.labels, side, side, classes);
  const std::vector<float> before = logits_of(prepared.model, prepared.arrays);
  Owned<dmoe_string> state;
  const TemporaryFolder folder;
  REQUIRE(dmoe_model_save(prepared.model, folder.file("m.safetensors").c_str(), nullptr) == DMOE_OK);
  dmoe::Model model = dmoe::Model::load(folder.file("m.safetensors"));
  std::string report;
  int events = 0;
  dmoe::Model smaller = model.compact(dataset, "{\"classes\": [0, 1, 2, 3]}", &report, nullptr,
                                      [&](std::int32_t event, const char*) {
                                        events += event == DMOE_EVENT_VALIDATION ? 1 : 0;
                                        return 0;
                                      });
  CHECK(events >= 2);
  CHECK(json::parse(report).at("samples") == 12);
  CHECK(json::parse(smaller.architecture_describe()).at("model") == "resnet18_moe_compacted");
  CHECK(smaller.architecture_text() != model.architecture_text());
  const std::vector<float> after = smaller.forward(prepared.arrays.images, 12, side, side);
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(after[i] == doctest::Approx(before[i]).epsilon(1e-4));
  CHECK_THROWS_AS(model.compact(dataset, "{\"classes\": [9]}"), dmoe::Error);
}
