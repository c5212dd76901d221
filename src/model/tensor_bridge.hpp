#pragma once

#include <ATen/ATen.h>

#include "storage/shared_tensor.hpp"

namespace deepmoe {

at::ScalarType scalar_type(DataType type);
/// Throws Error(unsupported) for LibTorch types that safetensors has no name for.
DataType data_type(at::ScalarType type);

/// A LibTorch tensor over the same memory, which it keeps alive.
at::Tensor to_torch(const SharedTensor& tensor);

/// The other way round; a tensor that is not contiguous is copied first.
SharedTensor to_shared(std::string name, const at::Tensor& tensor);

}  // namespace deepmoe
