#pragma once

/// A small network with its trainer, for tests of the training functions.

#include <nlohmann/json.hpp>

#include "capi/host_tensor.hpp"
#include "capi/small_network.hpp"

namespace deepmoe::capi_test {

struct Training {
  explicit Training(const nlohmann::json& more = nlohmann::json::object()) : options(small_options(more)) {
    check_succeeds(
        [&](dmoe_error** error) { return dmoe_dataset_open(options, "train", train.out(), error); });
    check_succeeds([&](dmoe_error** error) { return dmoe_dataset_open(options, "test", test.out(), error); });
    check_succeeds([&](dmoe_error** error) { return dmoe_model_create(options, train, model.out(), error); });
    check_succeeds(
        [&](dmoe_error** error) { return dmoe_trainer_create(model, options, trainer.out(), error); });
  }
  Owned<dmoe_options> options;
  Owned<dmoe_dataset> train, test;
  Owned<dmoe_model> model;
  Owned<dmoe_trainer> trainer;
};

inline double step(dmoe_trainer* trainer, const Arrays& arrays) {
  double loss = -1;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_trainer_step_f32(trainer, arrays.images.data(), arrays.labels.data(),
                                 static_cast<int64_t>(arrays.labels.size()), side, side, &loss, error);
  });
  return loss;
}

inline nlohmann::json metrics_of(dmoe_trainer* trainer) {
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) { return dmoe_trainer_metrics(trainer, text.out(), error); });
  return nlohmann::json::parse(take(text));
}

}  // namespace deepmoe::capi_test
