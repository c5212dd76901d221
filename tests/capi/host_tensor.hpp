#pragma once

#include <dlpack/dlpack.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace deepmoe::capi_test {

/// A DLPack tensor over memory of the test, that counts the calls of its deleter.
struct HostTensor {
  HostTensor(void* data, DLDataType type, std::vector<int64_t> extents) : shape(std::move(extents)) {
    managed.dl_tensor.data = data;
    managed.dl_tensor.device = {kDLCPU, 0};
    managed.dl_tensor.dtype = type;
    managed.dl_tensor.ndim = static_cast<int>(shape.size());
    managed.dl_tensor.shape = shape.data();
    managed.manager_ctx = this;
    managed.deleter = [](DLManagedTensor* self) { ++static_cast<HostTensor*>(self->manager_ctx)->deletions; };
  }
  HostTensor(const HostTensor&) = delete;
  HostTensor& operator=(const HostTensor&) = delete;

  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  DLManagedTensor managed{};
  int deletions = 0;
};

inline constexpr DLDataType f32_type{kDLFloat, 32, 1};
inline constexpr DLDataType i64_type{kDLInt, 64, 1};
inline constexpr DLDataType u8_type{kDLUInt, 8, 1};

}  // namespace deepmoe::capi_test
