// Every function of deepmoe.h, with NULL and with a wrong object for each pointer.

#include <string>

#include "capi/argument_checks.hpp"
#include "capi/host_tensor.hpp"
#include "capi/small_network.hpp"

using namespace deepmoe::capi_test;

TEST_CASE_FIXTURE(NoLeaks, "every training function refuses NULL and objects of another kind") {
  ArgumentChecks checks;
  Arrays arrays(2);
  const Owned<dmoe_options> own_options = small_options();
  Owned<dmoe_model> own_model = small_model();
  Owned<dmoe_dataset> own_dataset;
  Owned<dmoe_loader> own_loader;
  Owned<dmoe_trainer> own_trainer;
  Owned<dmoe_tensors> own_state;
  Owned<dmoe_engine> own_engine;
  Owned<dmoe_report> own_report;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_dataset_create_f32(arrays.images.data(), arrays.labels.data(), 2, side, side, classes,
                                   nullptr, nullptr, own_dataset.out(), error);
  });
  check_succeeds([&](dmoe_error** error) {
    return dmoe_trainer_create(own_model, own_options, own_trainer.out(), error);
  });
  check_succeeds([&](dmoe_error** error) {
    return dmoe_engine_create_from_model(own_model, nullptr, own_engine.out(), error);
  });
  check_succeeds([&](dmoe_error** error) { return dmoe_model_state(own_model, own_state.out(), error); });
  check_succeeds([&](dmoe_error** error) {
    return dmoe_loader_create(own_dataset, own_options, 1, 0, 0, own_loader.out(), error);
  });
  check_succeeds([&](dmoe_error** error) {
    return dmoe_report_create(own_engine, own_dataset, nullptr, nullptr, nullptr, own_report.out(), error);
  });
  dmoe_options* const options = own_options;
  dmoe_loader* const loader = own_loader;
  dmoe_engine* const engine = own_engine;
  dmoe_report* const report = own_report;
  dmoe_model* const model = own_model;
  dmoe_dataset* const dataset = own_dataset;
  dmoe_trainer* const trainer = own_trainer;
  dmoe_tensors* const state = own_state;
  const std::vector<float> logits_before = logits_of(model, arrays);

  HostTensor images(arrays.images.data(), f32_type, {2, 3, side, side});
  HostTensor labels(arrays.labels.data(), i64_type, {2});
  const uint8_t bytes[3] = {1, 2, 3};
  const int64_t label = 0;
  float logits[8];
  int64_t number = 0;
  double loss = 0;
  double matrix[16];
  int64_t shape[2];
  dmoe_dataset* new_dataset = nullptr;
  dmoe_loader* new_loader = nullptr;
  const float* batch_images = nullptr;
  const int64_t* batch_labels = nullptr;
  dmoe_model* new_model = nullptr;
  dmoe_trainer* new_trainer = nullptr;
  dmoe_engine* new_engine = nullptr;
  dmoe_report* new_report = nullptr;
  dmoe_tensors* new_tensors = nullptr;
  dmoe_string* new_string = nullptr;

  DEEPMOE_REFUSES(checks, dmoe_dataset_open, {}, options, "train", &new_dataset);
  DEEPMOE_REFUSES(checks, dmoe_dataset_create_f32, {6, 7}, arrays.images.data(), arrays.labels.data(), 2,
                  side, side, classes, nullptr, nullptr, &new_dataset);
  DEEPMOE_REFUSES(checks, dmoe_dataset_create_u8, {8, 9}, bytes, &label, 1, 3, 1, 1, DMOE_LAYOUT_NCHW, 1,
                  nullptr, nullptr, &new_dataset);
  DEEPMOE_REFUSES(checks, dmoe_dataset_describe, {}, dataset, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_loader_create, {}, dataset, options, 1, 0, 0, &new_loader);
  DEEPMOE_REFUSES(checks, dmoe_loader_next, {}, loader, &batch_images, &batch_labels, &number);
  DEEPMOE_REFUSES(checks, dmoe_model_create, {1}, options, dataset, &new_model);
  DEEPMOE_REFUSES(checks, dmoe_model_load, {1}, "/none", options, &new_model);
  DEEPMOE_REFUSES(checks, dmoe_model_save, {}, model, "/none/x");
  DEEPMOE_REFUSES(checks, dmoe_model_describe, {}, model, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_engine_create_from_model, {1}, model, "{}", &new_engine);
  DEEPMOE_REFUSES(checks, dmoe_model_fold, {}, model, &new_model);
  DEEPMOE_REFUSES(checks, dmoe_model_export_onnx, {2}, model, "/none/x.onnx", "{}");
  DEEPMOE_REFUSES(checks, dmoe_model_architecture_describe, {}, model, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_model_architecture_text, {}, model, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_model_compact, {2, 3, 4, 5, 7}, model, dataset, "{}", options, nullptr,
                  nullptr, &new_model, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_report_create, {2, 3, 4}, engine, dataset, "{}", nullptr, nullptr,
                  &new_report);
  DEEPMOE_REFUSES(checks, dmoe_report_create_from_model, {2, 3, 4}, model, dataset, "{}", nullptr, nullptr,
                  &new_report);
  DEEPMOE_REFUSES(checks, dmoe_report_create_from_trainer, {2, 3, 4}, trainer, dataset, "{}", nullptr,
                  nullptr, &new_report);
  DEEPMOE_REFUSES(checks, dmoe_report_compare, {}, report, report, &new_report);
  DEEPMOE_REFUSES(checks, dmoe_report_json, {}, report, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_report_matrix, {2, 3, 5}, report, "confusion", "none", matrix, 16, shape);
  DEEPMOE_REFUSES(checks, dmoe_report_write, {}, report, "/none/x");
  DEEPMOE_REFUSES(checks, dmoe_convert_pytorch, {2, 3}, "/none.pth", "/none/x", options, "{}");
  DEEPMOE_REFUSES(checks, dmoe_fetch_dataset, {2, 3, 4, 5}, "cifar10", "/none", "{}", nullptr, nullptr,
                  &new_string);
  DEEPMOE_REFUSES(checks, dmoe_model_forward, {}, model, &images.managed, &new_tensors);
  DEEPMOE_REFUSES(checks, dmoe_model_forward_f32, {5, 7}, model, arrays.images.data(), 2, side, side, logits,
                  8, &number);
  DEEPMOE_REFUSES(checks, dmoe_model_read_image, {}, model, "/none.png", &new_tensors);
  DEEPMOE_REFUSES(checks, dmoe_model_state, {}, model, &new_tensors);
  DEEPMOE_REFUSES(checks, dmoe_model_load_state, {}, model, state);
  DEEPMOE_REFUSES(checks, dmoe_model_evaluate, {2, 3, 4}, model, dataset, options, nullptr, nullptr,
                  &new_string);
  DEEPMOE_REFUSES(checks, dmoe_engine_evaluate, {2, 3, 4}, engine, dataset, options, nullptr, nullptr,
                  &new_string);
  DEEPMOE_REFUSES(checks, dmoe_trainer_create, {}, model, options, &new_trainer);
  DEEPMOE_REFUSES(checks, dmoe_trainer_begin_epoch, {}, trainer, 0, 1);
  DEEPMOE_REFUSES(checks, dmoe_trainer_step, {3}, trainer, &images.managed, &labels.managed, &loss);
  DEEPMOE_REFUSES(checks, dmoe_trainer_step_f32, {6}, trainer, arrays.images.data(), arrays.labels.data(), 2,
                  side, side, &loss);
  DEEPMOE_REFUSES(checks, dmoe_trainer_metrics, {}, trainer, &new_string);
  DEEPMOE_REFUSES(checks, dmoe_process_place, {}, options, &number, &number);
  DEEPMOE_REFUSES(checks, dmoe_trainer_position, {1, 2, 3}, trainer, &number, &number, &number);
  DEEPMOE_REFUSES(checks, dmoe_trainer_save_state, {}, trainer, "/none/x");
  DEEPMOE_REFUSES(checks, dmoe_trainer_load_state, {}, trainer, "/none/x");
  DEEPMOE_REFUSES(checks, dmoe_trainer_use_average, {1}, trainer, 1);
  DEEPMOE_REFUSES(checks, dmoe_trainer_fit, {2, 3, 4, 5}, trainer, dataset, dataset, nullptr, nullptr,
                  &new_string);
  DEEPMOE_REFUSES(checks, dmoe_diagnose, {}, &new_string);
  CHECK(logits_of(model, arrays) == logits_before);

  // These cannot fail.
  CHECK(dmoe_dataset_size(nullptr) == 0);
  CHECK(dmoe_dataset_size(reinterpret_cast<dmoe_dataset*>(model)) == 0);
  CHECK(dmoe_dataset_num_classes(nullptr) == 0);
  CHECK(dmoe_loader_num_batches(nullptr) == 0);
  CHECK(dmoe_loader_num_batches(reinterpret_cast<dmoe_loader*>(model)) == 0);
  CHECK(dmoe_loader_image_size(nullptr) == 0);
  dmoe_dataset_release(nullptr);
  dmoe_loader_release(nullptr);
  dmoe_model_release(nullptr);
  dmoe_report_release(nullptr);
  CHECK(dmoe_report_layer(nullptr, 0) == nullptr);
  CHECK(dmoe_report_layer(reinterpret_cast<dmoe_report*>(model), 0) == nullptr);
  dmoe_trainer_release(nullptr);
  for (const char* name :
       {"dmoe_dataset_size", "dmoe_dataset_num_classes", "dmoe_dataset_release", "dmoe_loader_num_batches",
        "dmoe_loader_image_size", "dmoe_loader_release", "dmoe_model_release", "dmoe_report_layer",
        "dmoe_report_release", "dmoe_trainer_release"}) {
    checks.tried(name);
  }
  checks.expect_all_of("training");
}
