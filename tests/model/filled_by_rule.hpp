#pragma once

// Fills tensors by the formula of tests/data/parity/README.md, so that a network's numbers can be compared
// with those of another implementation without a weights file.

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <cstdint>
#include <string>

#include "model/network.hpp"

namespace deepmoe::test {

inline double uniform_by_rule(const std::string& name, std::uint32_t index) {
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619U;
  std::uint32_t x = index * 0x9E3779B9U + hash;
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  x ^= x >> 16;
  return static_cast<double>(x) / 4294967296.0;
}

inline at::Tensor filled_by_rule(const std::string& name, at::IntArrayRef shape) {
  const auto ends_with = [&](const std::string& ending) {
    return name.size() >= ending.size() &&
           name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
  };
  at::Tensor tensor = at::empty(shape, at::kFloat);
  const std::int64_t count = tensor.numel();
  auto* values = tensor.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < count; ++i) {
    const double u = uniform_by_rule(name, static_cast<std::uint32_t>(i));
    double value = (2.0 * u - 1.0) * 0.1;
    if (name == "input") {
      value = 2.0 * u - 1.0;
    } else if (ends_with("running_var")) {
      value = 0.5 + u;
    } else if (shape.size() >= 2) {
      value = (2.0 * u - 1.0) * std::sqrt(6.0 / (static_cast<double>(count) / static_cast<double>(shape[0])));
    } else if (ends_with("weight")) {
      value = 0.5 + u;
    }
    values[i] = static_cast<float>(value);
  }
  return tensor;
}

inline void fill_by_rule(const Network& network) {
  for (const Network::Entry& entry : network.state()) {
    if (entry.specification.is_integer) continue;
    // Through the untracked alias: a leaf that learns must not be written within autograd.
    entry.tensor.detach().copy_(filled_by_rule(entry.specification.name, entry.specification.shape));
  }
}

}  // namespace deepmoe::test
