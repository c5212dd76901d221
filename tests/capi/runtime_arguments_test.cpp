// Every function of deepmoe_runtime.h, with NULL and with a wrong object for each pointer.

#include <dlpack/dlpack.h>

#include <string>

#include "base/temporary_folder.hpp"
#include "capi/argument_checks.hpp"
#include "capi/weights_file.hpp"

using namespace deepmoe::capi_test;

TEST_CASE_FIXTURE(NoLeaks, "every runtime function refuses NULL and objects of another kind") {
  ArgumentChecks checks;
  Owned<dmoe_options> options = options_with("{}");
  Owned<dmoe_tensors> tensors;
  REQUIRE(dmoe_tensors_create(tensors.out(), nullptr) == DMOE_OK);
  float value = 1.0F;
  int64_t extent = 1, number = 0;
  REQUIRE(dmoe_tensors_add_f32(tensors, "x", &value, &extent, 1, nullptr) == DMOE_OK);
  const deepmoe::TemporaryFolder folder;
  const std::string weights = folder.file("w.safetensors");
  write_weights(
      options_with(R"({"model": "resnet18_moe", "width": 0.125, "image_size": 16, "num_classes": 4})"),
      weights);
  Owned<dmoe_engine> own_engine;
  REQUIRE(dmoe_engine_create(weights.c_str(), nullptr, own_engine.out(), nullptr) == DMOE_OK);
  dmoe_engine* const engine = own_engine;
  const std::vector<float> images(3 * 16 * 16);
  const std::vector<uint8_t> bytes(images.size());
  float logits[4];
  int64_t needed[4];
  dmoe_engine* new_engine = nullptr;
  dmoe_options* new_options = nullptr;
  dmoe_string* new_string = nullptr;
  dmoe_tensors* new_tensors = nullptr;
  DLManagedTensor* new_tensor = nullptr;
  DLManagedTensor tensor{};
  tensor.dl_tensor.data = &value;
  tensor.dl_tensor.device = {kDLCPU, 0};
  tensor.dl_tensor.ndim = 1;
  tensor.dl_tensor.dtype = {kDLFloat, 32, 1};
  tensor.dl_tensor.shape = &extent;
  dmoe_options* const some_options = options;
  dmoe_tensors* const some_tensors = tensors;

  DEEPMOE_REFUSES(checks, dmoe_options_create, {}, &new_options);
  DEEPMOE_REFUSES(checks, dmoe_options_copy, {}, some_options, &new_options);
  DEEPMOE_REFUSES(checks, dmoe_options_set, {}, some_options, "epochs", "3");
  DEEPMOE_REFUSES(checks, dmoe_options_set_json, {}, some_options, "{}");
  DEEPMOE_REFUSES(checks, dmoe_options_load_file, {}, some_options, "/none");
  DEEPMOE_REFUSES(checks, dmoe_options_read_environment, {}, some_options);
  DEEPMOE_REFUSES(checks, dmoe_options_get, {}, some_options, "epochs", &new_string);
  DEEPMOE_REFUSES(checks, dmoe_options_to_json, {}, some_options, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_options_schema, {}, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_architecture_names, {}, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_architecture_json, {}, some_options, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_architecture_describe, {}, some_options, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_architecture_text, {}, some_options, &new_string);
  dmoe_plugin* new_plugin = nullptr;
  Owned<dmoe_plugin> plugin;
  REQUIRE(dmoe_plugin_load((std::string(DEEPMOE_PLUGIN_FOLDER) + "/libsample_dataset.so").c_str(),
                           plugin.out(), nullptr) == DMOE_OK);
  const dmoe_plugin* const some_plugin = plugin;
  DEEPMOE_REFUSES(checks, dmoe_plugin_load, {}, "/none", &new_plugin);
  DEEPMOE_REFUSES(checks, dmoe_plugin_describe, {}, some_plugin, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_tensors_create, {}, &new_tensors);
  DEEPMOE_REFUSES(checks, dmoe_tensors_load, {}, "/none", &new_tensors);
  DEEPMOE_REFUSES(checks, dmoe_tensors_save, {2}, some_tensors, "/none/x", nullptr);
  DEEPMOE_REFUSES(checks, dmoe_tensors_metadata, {}, some_tensors, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_tensors_get, {}, some_tensors, "x", &new_tensor);
  // NULL buffers ask for the size; that they are refused too is tested with the tensors.
  DEEPMOE_REFUSES(checks, dmoe_tensors_read_f32, {2, 4}, some_tensors, "x", &value, 1, &number);
  DEEPMOE_REFUSES(checks, dmoe_tensors_shape, {2, 4}, some_tensors, "x", &extent, 1, &number);
  DEEPMOE_REFUSES(checks, dmoe_tensors_add, {}, some_tensors, "y", &tensor);
  DEEPMOE_REFUSES(checks, dmoe_tensors_add_f32, {}, some_tensors, "y", &value, &extent, 1);
  CHECK(dmoe_tensors_count(tensors) == 1);
  DEEPMOE_REFUSES(checks, dmoe_engine_create, {1}, weights.c_str(), "{}", &new_engine);
  DEEPMOE_REFUSES(checks, dmoe_engine_run, {5, 7, 8}, engine, images.data(), 1, 16, 16, logits, 4, &number,
                  &number);
  DEEPMOE_REFUSES(checks, dmoe_engine_run_u8, {6, 8, 9}, engine, bytes.data(), 1, 16, 16, DMOE_LAYOUT_NCHW,
                  logits, 4, &number, &number);
  DEEPMOE_REFUSES(checks, dmoe_engine_run_outputs, {5, 6, 8, 10, 12, 14, 15}, engine, images.data(), 1, 16,
                  16, nullptr, logits, 4, nullptr, 0, nullptr, 0, nullptr, 0, needed, &number);
  DEEPMOE_REFUSES(checks, dmoe_engine_describe, {}, engine, &new_string);

  // These cannot fail.
  auto* const wrong = reinterpret_cast<dmoe_string*>(some_options);
  CHECK(std::string(dmoe_string_data(nullptr)).empty());
  CHECK(std::string(dmoe_string_data(wrong)).empty());
  CHECK(dmoe_string_size(nullptr) == 0);
  CHECK(dmoe_string_size(wrong) == 0);
  CHECK(dmoe_error_code(nullptr) == 0);
  CHECK(dmoe_error_code(reinterpret_cast<dmoe_error*>(some_options)) == 0);
  CHECK(std::string(dmoe_error_message(nullptr)).empty());
  CHECK(dmoe_tensors_count(nullptr) == 0);
  CHECK(dmoe_tensors_count(reinterpret_cast<dmoe_tensors*>(some_options)) == 0);
  CHECK(dmoe_tensors_name(nullptr, 0) == nullptr);
  CHECK(dmoe_tensors_name(tensors, -1) == nullptr);
  CHECK(dmoe_tensors_name(tensors, 1) == nullptr);
  CHECK(dmoe_set_log_callback(nullptr, nullptr, nullptr) == DMOE_OK);
  dmoe_error_release(nullptr);
  dmoe_string_release(nullptr);
  dmoe_options_release(nullptr);
  dmoe_tensors_release(nullptr);
  dmoe_engine_release(nullptr);
  dmoe_plugin_release(nullptr);
  for (const char* name :
       {"dmoe_string_data", "dmoe_string_size", "dmoe_error_code", "dmoe_error_message", "dmoe_tensors_count",
        "dmoe_tensors_name", "dmoe_set_log_callback", "dmoe_error_release", "dmoe_string_release",
        "dmoe_options_release", "dmoe_tensors_release", "dmoe_engine_release", "dmoe_plugin_release",
        "dmoe_status_name", "dmoe_abi_version", "dmoe_version", "dmoe_live_objects"}) {
    checks.tried(name);
  }
  checks.expect_all_of("runtime");
}

TEST_CASE_FIXTURE(NoLeaks, "releasing an object as another kind leaves it alive") {
  Owned<dmoe_options> options = options_with("{}");
  dmoe_string_release(reinterpret_cast<dmoe_string*>(static_cast<dmoe_options*>(options)));
  CHECK(dmoe_live_objects(DMOE_KIND_OPTIONS) == 1);
  CHECK(dmoe_options_set(options, "epochs", "3", nullptr) == DMOE_OK);
}
