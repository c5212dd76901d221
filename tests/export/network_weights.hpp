#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"
#include "storage/storage.hpp"

namespace deepmoe {

/// Weights of an architecture, all different.
class NetworkWeights {
 public:
  explicit NetworkWeights(const Architecture& architecture) {
    float next = 0;
    for (const ParameterSpecification& specification : parameter_specifications(architecture)) {
      if (specification.is_integer) continue;
      std::size_t count = 1;
      for (const std::int64_t extent : specification.shape) count *= static_cast<std::size_t>(extent);
      std::vector<float>& values = values_.emplace_back(count);
      for (float& value : values) value = next += 0.25F;
      views.push_back(
          {specification.name, DataType::f32, specification.shape, std::as_bytes(std::span(values))});
    }
  }
  std::vector<TensorView> views;

 private:
  std::deque<std::vector<float>> values_;
};

}  // namespace deepmoe
