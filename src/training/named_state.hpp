#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "storage/shared_tensor.hpp"

namespace deepmoe {

/// A part of what a later step depends on.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

/// Copies the tensors of a saved state into those of the same names, whatever their device and order.
/// `owner` says in messages whose state it is. Errors: format for a tensor that is missing, unknown or of
/// another type or shape, naming it; then nothing has changed.
void load_named(const std::vector<SharedTensor>& state, const std::vector<NamedTensor>& targets,
                const std::string& owner);

}  // namespace deepmoe
