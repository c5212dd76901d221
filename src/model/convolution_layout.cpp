#include "model/convolution_layout.hpp"

#include <ATen/autocast_mode.h>

#include <algorithm>

#include "model/channels_last_norm.hpp"

namespace deepmoe {
namespace {

bool computes_in_bf16() {
  return at::autocast::is_autocast_enabled(at::kCPU) &&
         at::autocast::get_autocast_dtype(at::kCPU) == at::kBFloat16;
}

}  // namespace

at::MemoryFormat fastest_layout(const at::Tensor& input, const Convolution& convolution) {
  // oneDNN orders planes anew before and behind each convolution and takes channels last as they are. In bf16
  // that ordering is a tenth of a step; but gradients of weights over small planes take twice the time with
  // channels last.
  constexpr std::int64_t smallest = 8;
  const std::int64_t extent = std::min(input.size(2), input.size(3));
  const std::int64_t outputs =
      (extent + 2 * convolution.padding - convolution.kernel) / convolution.stride + 1;
  const bool last = computes_in_bf16() && outputs >= smallest && has_channels_last_norm(convolution.channels);
  return last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
}

at::MemoryFormat fastest_embedding_layout(const at::Tensor& input) {
  // With channels that are no multiples of a vector's length, oneDNN is nearly twice as fast with channels
  // last, but for the smallest images; the whole embedding network follows its first convolution.
  constexpr std::int64_t smallest = 64;
  const bool last = input.size(2) >= smallest && input.size(3) >= smallest;
  return last || !input.is_contiguous() ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
}

}  // namespace deepmoe
