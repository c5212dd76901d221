#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/storage.hpp"

namespace deepmoe {

enum class DeviceType : std::int32_t { cpu = 0, cuda = 1 };

/// A tensor in contiguous row-major memory, shared with whoever made it: how tensors travel between the
/// folders, the C ABI and LibTorch without a copy and without LibTorch's headers.
struct SharedTensor {
  std::string name;
  DataType type = DataType::f32;
  std::vector<std::int64_t> shape;
  void* data = nullptr;
  DeviceType device = DeviceType::cpu;
  std::int32_t device_index = 0;
  std::shared_ptr<const void> owner;  ///< keeps `data` alive

  std::int64_t elements() const {
    std::int64_t count = 1;
    for (const std::int64_t extent : shape) count *= extent;
    return count;
  }
};

}  // namespace deepmoe
