#pragma once

/// A weights file such as a training writes, made without one.

#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "capi/owned.hpp"

namespace deepmoe::capi_test {

/// Adds a tensor of numbers around `centre`, which vary by up to `range`.
inline void add_parameter(dmoe_tensors* tensors, const std::string& name, const std::vector<int64_t>& shape,
                          float centre, float range) {
  std::size_t elements = 1;
  for (const int64_t extent : shape) elements *= static_cast<std::size_t>(extent);
  std::vector<float> values(elements);
  for (std::size_t i = 0; i < elements; ++i) {
    const auto phase = static_cast<float>((i * 7919 + name.size() * 131) % 1009);
    values[i] = centre + range * std::sin(phase);
  }
  check_succeeds([&](dmoe_error** error) {
    return dmoe_tensors_add_f32(tensors, name.c_str(), values.data(), shape.data(),
                                static_cast<int64_t>(shape.size()), error);
  });
}

inline nlohmann::json json_of(Owned<dmoe_string>& text) { return nlohmann::json::parse(take(text)); }

/// Writes weights for the network that the options describe to `path`, with a description of it unless
/// `described` is false.
inline void write_weights(dmoe_options* options, const std::string& path, bool described = true) {
  Owned<dmoe_string> text;
  REQUIRE(dmoe_architecture_json(options, text.out(), nullptr) == DMOE_OK);
  const nlohmann::json architecture = json_of(text);
  REQUIRE(dmoe_architecture_describe(options, text.out(), nullptr) == DMOE_OK);
  const nlohmann::json described_nodes = json_of(text).at("nodes");
  Owned<dmoe_tensors> tensors;
  REQUIRE(dmoe_tensors_create(tensors.out(), nullptr) == DMOE_OK);
  std::map<std::string, int64_t> channels;
  for (std::size_t i = 0; i < described_nodes.size(); ++i) {
    const nlohmann::json& node = described_nodes[i];
    const std::string operation = node.at("operation"),
                      prefix = architecture.at("nodes")[i].value("parameters", "");
    const int64_t width = node.at("shape").at(0);
    channels[node.at("name")] = width;
    const nlohmann::json& inputs = node.at("inputs");
    const int64_t read = inputs.empty() ? 0 : channels.at(inputs.back());
    const nlohmann::json& attributes = node.at("attributes");
    if (operation == "conv" || operation == "linear") {
      std::vector<int64_t> shape = {width, read};
      if (operation == "conv") {
        const int64_t kernel = attributes.at("kernel");
        shape.insert(shape.end(), {kernel, kernel});
      }
      const auto taps = static_cast<float>(read * (operation == "conv" ? shape[2] * shape[3] : 1));
      add_parameter(tensors, prefix + ".weight", shape, 0.0F, 2.0F / std::sqrt(taps));
      if (attributes.at("bias")) add_parameter(tensors, prefix + ".bias", {width}, 0.0F, 0.3F);
    } else if (operation == "gate") {
      add_parameter(tensors, prefix + ".fc.weight", {width, read}, 0.0F, 2.0F);
      if (attributes.at("bias")) add_parameter(tensors, prefix + ".fc.bias", {width}, 0.0F, 0.5F);
    } else if (operation == "batch_norm") {
      if (attributes.at("affine")) {
        add_parameter(tensors, prefix + ".weight", {width}, 1.0F, 0.4F);
        add_parameter(tensors, prefix + ".bias", {width}, 0.0F, 0.3F);
      }
      add_parameter(tensors, prefix + ".running_mean", {width}, 0.0F, 0.3F);
      add_parameter(tensors, prefix + ".running_var", {width}, 1.0F, 0.5F);
    }
  }
  const nlohmann::json metadata = {
      {"format", "deepmoe"},
      {"architecture", architecture.dump()},
      {"normalization", R"({"mean": [0.5, 0.4, 0.3], "deviation": [0.25, 0.2, 0.5]})"},
      {"class_names", R"(["cat", "dog", "bird", "ship"])"}};
  check_succeeds([&](dmoe_error** error) {
    return dmoe_tensors_save(tensors, path.c_str(), described ? metadata.dump().c_str() : nullptr, error);
  });
}

}  // namespace deepmoe::capi_test
