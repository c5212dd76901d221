#include "model/precision.hpp"

#include <ATen/autocast_mode.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include "base/base.hpp"

namespace deepmoe {
namespace {

/// Whether bf16 is faster than fp32 on the device, and not emulated.
bool computes_bf16(const at::Device& device) {
  if (device.is_cuda()) return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

}  // namespace

Precision precision_from(const Options& options, const at::Device& device) {
  const std::string name = options.text("amp");
  if (name == "off") return Precision::fp32;
  if (name == "bf16") return Precision::bf16;
  if (name == "fp16" && device.is_cpu()) {
    fail(ErrorCode::unsupported, "amp fp16 needs a CUDA device; on the CPU choose amp bf16");
  }
  if (name == "fp16") return Precision::fp16;
  if (name != "auto") fail(ErrorCode::internal, "amp '", name, "' is declared but not known to the network");
  if (computes_bf16(device)) return Precision::bf16;
  return device.is_cuda() ? Precision::fp16 : Precision::fp32;
}

Autocast::Autocast(Precision precision, const at::Device& device)
    : active_(precision != Precision::fp32), device_(device.type()) {
  if (!active_) return;
  enabled_before_ = at::autocast::is_autocast_enabled(device_);
  type_before_ = at::autocast::get_autocast_dtype(device_);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, precision == Precision::bf16 ? at::kBFloat16 : at::kHalf);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!active_) return;
  // Weights in lower precision are kept from one use to the next until here.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, enabled_before_);
  at::autocast::set_autocast_dtype(device_, type_before_);
}

}  // namespace deepmoe
