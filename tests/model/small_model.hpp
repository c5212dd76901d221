#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/model.hpp"
#include "model/network.hpp"

namespace deepmoe::test {

/// Options of a network that runs in milliseconds.
inline Options small_options(const std::vector<std::pair<std::string, std::string>>& more = {}) {
  Options options;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"model", "resnet18_moe"},
                                                                                    {"width", "0.125"},
                                                                                    {"embedding_dim", "16"},
                                                                                    {"num_classes", "4"},
                                                                                    {"image_size", "16"},
                                                                                    {"device", "cpu"}}) {
    options.set(name, value);
  }
  for (const auto& [name, value] : more) options.set(name, value);
  return options;
}

inline std::shared_ptr<Model> small_model(const std::vector<std::pair<std::string, std::string>>& more = {}) {
  return Model::create(small_options(more));
}

inline at::Tensor random_images(std::int64_t count, std::int64_t size = 16, std::uint64_t seed = 1) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::empty({count, 3, size, size}, at::kFloat).normal_(0.0, 1.0, generator);
}

inline at::Tensor entry_of(const Model& model, const std::string& name) {
  for (const Network::Entry& entry : const_cast<Model&>(model).network().state()) {
    if (entry.specification.name == name) return entry.tensor;
  }
  return {};
}

}  // namespace deepmoe::test
