#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "handle.hpp"

namespace deepmoe::command {

/// A float32 tensor of this process, row-major; the first dimension counts images.
struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// The shape of one tensor of a set.
std::vector<std::int64_t> tensor_shape(const TensorsHandle& tensors, const std::string& name);

/// Reads one tensor of a set.
NamedTensor read_tensor(const TensorsHandle& tensors, const std::string& name);

/// The outputs of a model for normalised images (N, 3, H, W), computed `batch_size` images at a time.
std::vector<NamedTensor> forward(const ModelHandle& model, const NamedTensor& images,
                                 std::int64_t batch_size);

}  // namespace deepmoe::command
