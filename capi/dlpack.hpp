#pragma once

/// Between DLPack's tensors, which hosts hand over and receive, and SharedTensor.

#include "storage/shared_tensor.hpp"

struct DLManagedTensor;

namespace deepmoe::capi {

/// A view of the host's tensor, which keeps owning it. Errors: invalid_argument naming `parameter` for NULL,
/// a malformed tensor or one that is not contiguous; unsupported for element types and devices that the
/// library lacks.
SharedTensor view_tensor(const DLManagedTensor* tensor, const char* parameter);

/// A tensor for the host that shares the memory of `tensor` and keeps it alive until its deleter is called.
DLManagedTensor* lend_tensor(const SharedTensor& tensor);

/// Calls the tensor's deleter, if it has one.
void delete_tensor(DLManagedTensor* tensor) noexcept;

}  // namespace deepmoe::capi
