#pragma once

#include <ATen/ATen.h>

#include "options/options.hpp"

namespace deepmoe {

/// The arithmetic of convolutions and linear maps; weights, norms, gates and losses are always fp32.
enum class Precision { fp32, bf16, fp16 };

/// What option amp means on `device`: auto is bf16 where the device computes with it, on CUDA else fp16, on
/// the CPU else fp32. Errors: unsupported for fp16 on the CPU.
Precision precision_from(const Options& options, const at::Device& device);

/// While one lives, LibTorch's autocast computes in `precision` on `device`, in this thread. Does nothing
/// for fp32.
class Autocast {
 public:
  Autocast(Precision precision, const at::Device& device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool active_;
  at::DeviceType device_;
  bool enabled_before_ = false;
  at::ScalarType type_before_ = at::kFloat;
};

}  // namespace deepmoe
