#pragma once

/// The smallest network and data that are still worth training, so that a case takes moments.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "capi/owned.hpp"

namespace deepmoe::capi_test {

inline constexpr int64_t side = 16;
inline constexpr int64_t image_elements = 3 * side * side;
inline constexpr int64_t classes = 4;

/// Options of a gated network of few experts; `more` are further members of the JSON object.
inline Owned<dmoe_options> small_options(const nlohmann::json& more = nlohmann::json::object()) {
  nlohmann::json values = {{"model", "resnet18_moe"},    {"width", 0.125},           {"embedding_dim", 16},
                           {"image_size", side},         {"num_classes", 4},         {"device", "cpu"},
                           {"num_workers", 0},           {"batch_size", 16},         {"epochs", 1},
                           {"synthetic_train_size", 64}, {"synthetic_test_size", 32}};
  values.update(more);
  return options_with(values.dump());
}

inline Owned<dmoe_model> small_model(const nlohmann::json& more = nlohmann::json::object()) {
  const Owned<dmoe_options> options = small_options(more);
  Owned<dmoe_model> model;
  check_succeeds([&](dmoe_error** error) { return dmoe_model_create(options, nullptr, model.out(), error); });
  return model;
}

/// `count` images whose brightness tells the class, and their labels.
struct Arrays {
  explicit Arrays(int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      labels.push_back(i % classes);
      for (int64_t k = 0; k < image_elements; ++k) {
        images.push_back(0.5F * static_cast<float>(i % classes) +
                         0.01F * static_cast<float>((i * 31 + k * 17) % 23));
      }
    }
  }
  std::vector<float> images;
  std::vector<int64_t> labels;
};

inline std::vector<float> values_of(dmoe_tensors* tensors, const std::string& name) {
  int64_t needed = 0;
  dmoe_tensors_read_f32(tensors, name.c_str(), nullptr, 0, &needed, nullptr);
  std::vector<float> values(static_cast<std::size_t>(needed));
  check_succeeds([&](dmoe_error** error) {
    return dmoe_tensors_read_f32(tensors, name.c_str(), values.data(), needed, nullptr, error);
  });
  return values;
}

inline std::vector<float> logits_of(dmoe_model* model, const Arrays& arrays) {
  const auto batch = static_cast<int64_t>(arrays.labels.size());
  std::vector<float> logits(static_cast<std::size_t>(batch * classes));
  check_succeeds([&](dmoe_error** error) {
    return dmoe_model_forward_f32(model, arrays.images.data(), batch, side, side, logits.data(),
                                  batch * classes, nullptr, error);
  });
  return logits;
}

}  // namespace deepmoe::capi_test
