#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/temporary_folder.hpp"
#include "capi/host_tensor.hpp"
#include "capi/small_network.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;
using nlohmann::json;

namespace {

json description_of(dmoe_model* model) {
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) { return dmoe_model_describe(model, text.out(), error); });
  return json::parse(take(text));
}

Owned<dmoe_dataset> synthetic(const json& more) {
  const Owned<dmoe_options> options = small_options(more);
  Owned<dmoe_dataset> dataset;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_dataset_open(options, "test", dataset.out(), error); });
  return dataset;
}

void* address_of(dmoe_model* model, const char* name) {
  Owned<dmoe_tensors> state;
  check_succeeds([&](dmoe_error** error) { return dmoe_model_state(model, state.out(), error); });
  DLManagedTensor* tensor = nullptr;
  REQUIRE(dmoe_tensors_get(state, name, &tensor, nullptr) == DMOE_OK);
  void* const data = tensor->dl_tensor.data;
  tensor->deleter(tensor);
  return data;
}

}  // namespace

TEST_CASE_FIXTURE(NoLeaks, "a model takes open sizes and what it must know from the data set") {
  Owned<dmoe_dataset> dataset = synthetic({{"num_classes", 6}});
  const Owned<dmoe_options> options = small_options({{"num_classes", 0}, {"image_size", 0}});
  Owned<dmoe_model> model;
  check_succeeds([&](dmoe_error** error) { return dmoe_model_create(options, dataset, model.out(), error); });
  const json description = description_of(model);
  CHECK(description.at("model") == "resnet18_moe");
  CHECK(description.at("device") == "cpu");
  CHECK(description.at("num_classes") == 6);
  CHECK(description.at("image_size") == side);
  CHECK(description.at("class_names").size() == 6);
  CHECK(description.at("options").at("width") == 0.125);
  CHECK(description.at("cost").at("dense_macs") > 0);
  CHECK(description.at("architecture").contains("nodes"));
  Owned<dmoe_string> text;
  REQUIRE(dmoe_dataset_describe(dataset, text.out(), nullptr) == DMOE_OK);
  const json data = json::parse(take(text));
  CHECK(description.at("normalization").at("mean") == data.at("mean"));
  CHECK(description.at("normalization").at("deviation") == data.at("deviation"));
}

TEST_CASE_FIXTURE(NoLeaks, "without a data set open sizes are 1000 classes and 224 pixels") {
  Owned<dmoe_model> model = small_model({{"num_classes", 0}, {"image_size", 0}});
  const json description = description_of(model);
  CHECK(description.at("num_classes") == 1000);
  CHECK(description.at("image_size") == 224);
}

TEST_CASE_FIXTURE(NoLeaks, "fewer classes than the data set has are refused") {
  Owned<dmoe_dataset> dataset = synthetic({{"num_classes", 6}});
  const Owned<dmoe_options> options = small_options({{"num_classes", 5}});
  Owned<dmoe_model> model;
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "num_classes is 5",
              [&](dmoe_error** error) { return dmoe_model_create(options, dataset, model.out(), error); });
}

TEST_CASE_FIXTURE(NoLeaks, "a device that cannot be used is an error that says why") {
  for (const char* device : {"tpu", "cuda:9999"}) {
    const Owned<dmoe_options> options = options_with("{}");
    Owned<dmoe_model> model;
    Owned<dmoe_error> error;
    int32_t status = dmoe_options_set(options, "device", device, error.out());
    if (status == DMOE_OK) status = dmoe_model_create(options, nullptr, model.out(), error.out());
    CHECK(status != DMOE_OK);
    CHECK(std::string(dmoe_error_message(error)).size() > 10);
  }
}

TEST_CASE_FIXTURE(NoLeaks, "a saved model gives the same outputs when loaded") {
  const TemporaryFolder folder;
  const std::string path = folder.file("network.safetensors");
  Owned<dmoe_model> model = small_model();
  check_succeeds([&](dmoe_error** error) { return dmoe_model_save(model, path.c_str(), error); });
  Owned<dmoe_model> loaded;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_model_load(path.c_str(), nullptr, loaded.out(), error); });
  const Arrays arrays(3);
  CHECK(logits_of(loaded, arrays) == logits_of(model, arrays));
  CHECK(description_of(loaded).at("architecture") == description_of(model).at("architecture"));
  check_fails(DMOE_ERROR_NOT_FOUND, "absent.safetensors", [&](dmoe_error** error) {
    return dmoe_model_load(folder.file("absent.safetensors").c_str(), nullptr, loaded.out(), error);
  });
}

TEST_CASE_FIXTURE(NoLeaks, "both forms of forward agree and name every output") {
  Owned<dmoe_model> model = small_model();
  Arrays arrays(3);
  HostTensor images(arrays.images.data(), f32_type, {3, 3, side, side});
  Owned<dmoe_tensors> outputs;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_model_forward(model, &images.managed, outputs.out(), error); });
  CHECK(images.deletions == 0);
  CHECK(values_of(outputs, "logits") == logits_of(model, arrays));
  int64_t shape[2] = {0, 0};
  CHECK(dmoe_tensors_shape(outputs, "embedding", shape, 2, nullptr, nullptr) == DMOE_OK);
  CHECK(shape[0] == 3);
  CHECK(shape[1] == 16);
  CHECK(values_of(outputs, "embedding_logits").size() == 3 * classes);
  int gates = 0;
  for (int64_t i = 0; i < dmoe_tensors_count(outputs); ++i) {
    gates += std::string(dmoe_tensors_name(outputs, i)).rfind("gate.", 0) == 0 ? 1 : 0;
  }
  CHECK(gates == 16);
  // The outputs do not need the model.
  model.reset();
  CHECK(values_of(outputs, "logits").size() == 3 * classes);
}

TEST_CASE_FIXTURE(NoLeaks, "bytes are normalised on the way in") {
  // A model without data normalises by mean 0 and deviation 1, so that bytes count as 1/255.
  Owned<dmoe_model> model = small_model();
  std::vector<uint8_t> bytes;
  Arrays arrays(2);
  for (std::size_t i = 0; i < arrays.images.size(); ++i) {
    bytes.push_back(static_cast<uint8_t>(i * 7 % 256));
    arrays.images[i] = static_cast<float>(bytes.back()) / 255.0F;
  }
  const json normalization = description_of(model).at("normalization");
  for (std::size_t i = 0; i < arrays.images.size(); ++i) {
    const std::size_t channel = i / (side * side) % 3;
    arrays.images[i] = (arrays.images[i] - normalization.at("mean")[channel].get<float>()) /
                       normalization.at("deviation")[channel].get<float>();
  }
  HostTensor images(bytes.data(), u8_type, {2, 3, side, side});
  Owned<dmoe_tensors> outputs;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_model_forward(model, &images.managed, outputs.out(), error); });
  const std::vector<float> expected = logits_of(model, arrays), logits = values_of(outputs, "logits");
  REQUIRE(logits.size() == expected.size());
  for (std::size_t i = 0; i < logits.size(); ++i)
    CHECK(logits[i] == doctest::Approx(expected[i]).epsilon(1e-4));
}

TEST_CASE_FIXTURE(NoLeaks, "images of a wrong shape or type are refused") {
  Owned<dmoe_model> model = small_model();
  Arrays arrays(2);
  Owned<dmoe_tensors> outputs;
  const auto refused = [&](DLDataType type, const std::vector<int64_t>& shape, const char* part) {
    HostTensor images(arrays.images.data(), type, shape);
    check_fails(DMOE_ERROR_INVALID_ARGUMENT, part, [&](dmoe_error** error) {
      return dmoe_model_forward(model, &images.managed, outputs.out(), error);
    });
  };
  refused(i64_type, {1, 3, 4, 4}, "I64");
  refused(f32_type, {3, side, side}, "(3, 16, 16)");
  refused(f32_type, {1, 4, side, side}, "(1, 4, 16, 16)");
  refused(f32_type, {0, 3, side, side}, "at least one image");
  float logits[8] = {-1};
  int64_t needed = -1;
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "8 logits", [&](dmoe_error** error) {
    return dmoe_model_forward_f32(model, arrays.images.data(), 2, side, side, logits, 7, &needed, error);
  });
  CHECK(needed == 8);
  CHECK(logits[0] == -1);
  needed = -1;
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "8 logits", [&](dmoe_error** error) {
    return dmoe_model_forward_f32(model, arrays.images.data(), 2, side, side, nullptr, 8, &needed, error);
  });
  CHECK(needed == 8);
  Owned<dmoe_model> deep = small_model({{"model", "vgg11_bn_moe"}, {"image_size", 32}});
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "16", [&](dmoe_error** error) {
    return dmoe_model_forward_f32(deep, arrays.images.data(), 2, side, side, logits, 8, nullptr, error);
  });
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "(2, 3, 16, 0)", [&](dmoe_error** error) {
    return dmoe_model_forward_f32(model, arrays.images.data(), 2, side, 0, logits, 8, nullptr, error);
  });
}

TEST_CASE_FIXTURE(NoLeaks, "the state shares its memory with the model") {
  Owned<dmoe_model> model = small_model();
  CHECK(address_of(model, "fc.weight") == address_of(model, "fc.weight"));
  const Arrays arrays(2);
  const std::vector<float> before = logits_of(model, arrays);
  Owned<dmoe_tensors> state;
  check_succeeds([&](dmoe_error** error) { return dmoe_model_state(model, state.out(), error); });
  DLManagedTensor* bias = nullptr;
  REQUIRE(dmoe_tensors_get(state, "fc.bias", &bias, nullptr) == DMOE_OK);
  static_cast<float*>(bias->dl_tensor.data)[0] += 2.0F;
  CHECK(logits_of(model, arrays)[0] == doctest::Approx(before[0] + 2.0F));
  model.reset();
  state.reset();
  static_cast<float*>(bias->dl_tensor.data)[0] = 1.0F;  // still alive
  bias->deleter(bias);
}

TEST_CASE_FIXTURE(NoLeaks, "a state is copied into another model") {
  Owned<dmoe_model> source = small_model({{"seed", 1}});
  Owned<dmoe_model> target = small_model({{"seed", 2}});
  const Arrays arrays(2);
  const std::vector<float> wanted = logits_of(source, arrays), before = logits_of(target, arrays);
  CHECK(wanted != before);
  Owned<dmoe_tensors> state;
  check_succeeds([&](dmoe_error** error) { return dmoe_model_state(source, state.out(), error); });
  check_succeeds([&](dmoe_error** error) { return dmoe_model_load_state(target, state, error); });
  CHECK(logits_of(target, arrays) == wanted);
  CHECK(address_of(target, "fc.weight") != address_of(source, "fc.weight"));
}

TEST_CASE_FIXTURE(NoLeaks, "a state that lacks an entry leaves the model as it was") {
  Owned<dmoe_model> target = small_model();
  const Arrays arrays(2);
  const std::vector<float> before = logits_of(target, arrays);
  Owned<dmoe_tensors> state;
  REQUIRE(dmoe_tensors_create(state.out(), nullptr) == DMOE_OK);
  const std::vector<float> bias(classes, 5.0F);
  REQUIRE(dmoe_tensors_add_f32(state, "fc.bias", bias.data(), &classes, 1, nullptr) == DMOE_OK);
  Owned<dmoe_error> error;
  CHECK(dmoe_model_load_state(target, state, error.out()) != DMOE_OK);
  CHECK_FALSE(std::string(dmoe_error_message(error)).empty());
  CHECK(logits_of(target, arrays) == before);
}

TEST_CASE_FIXTURE(NoLeaks, "evaluation reports figures and progress") {
  Owned<dmoe_dataset> dataset = synthetic(json::object());
  Owned<dmoe_model> model = small_model();
  struct Progress {
    int events = 0;
    int64_t done = 0;
  } progress;
  const auto callback = [](int32_t event, const char* text, void* user_data) -> int32_t {
    auto* self = static_cast<Progress*>(user_data);
    if (event == DMOE_EVENT_VALIDATION) {
      ++self->events;
      self->done = json::parse(text).at("done").get<int64_t>();
    }
    return 0;
  };
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_model_evaluate(model, dataset, nullptr, callback, &progress, text.out(), error);
  });
  const json figures = json::parse(take(text));
  CHECK(figures.at("samples") == 32);
  for (const char* name : {"loss", "accuracy", "top5_accuracy", "density", "layers", "dense_macs",
                           "active_macs", "seconds", "images_per_second"}) {
    CHECK(figures.contains(name));
  }
  CHECK(progress.events > 0);
  CHECK(progress.done == 32);
  const auto stop = [](int32_t, const char*, void*) -> int32_t { return 42; };
  check_fails(42, "", [&](dmoe_error** error) {
    return dmoe_model_evaluate(model, dataset, nullptr, stop, nullptr, text.out(), error);
  });
}

TEST_CASE_FIXTURE(NoLeaks, "an image file is read as evaluation reads it") {
  Owned<dmoe_model> model = small_model();
  Owned<dmoe_tensors> image;
  check_fails(DMOE_ERROR_NOT_FOUND, "absent.png", [&](dmoe_error** error) {
    return dmoe_model_read_image(model, "absent.png", image.out(), error);
  });
}
