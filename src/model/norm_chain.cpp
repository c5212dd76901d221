#include "model/norm_chain.hpp"

#include "model/channels_last_norm.hpp"
#include "model/fused_norm.hpp"

namespace deepmoe {
namespace {

/// Below this many pixels, the work for a whole plane is more than that for its pixels.
constexpr std::int64_t smallest_plane = 16;
constexpr std::int64_t largest_pool = 15;

/// In the type of the activations, which would otherwise become that of the gates.
at::Tensor gated(const at::Tensor& input, const at::Tensor& gates) {
  const at::Tensor factors = gates.to(input.scalar_type());
  return at::mul(input, input.dim() == 4 ? factors.unsqueeze(2).unsqueeze(3) : factors);
}

/// The type of parameters, statistics and gates beside activations of this type.
at::ScalarType computed_type(at::ScalarType activations) {
  return activations == at::kBFloat16 ? at::kFloat : activations;
}

bool is_synchronised(const NormChain& chain) {
  return chain.use_batch && chain.sum_over_processes != nullptr;
}

bool is_fusible_pool(const MaxPool& pool) {
  return pool.stride <= 2 && pool.kernel <= largest_pool && 2 * pool.padding <= pool.kernel;
}

}  // namespace

at::Tensor composed_chain(const NormChain& chain) {
  const bool has_gate = chain.gates.defined();
  at::Tensor value = has_gate && chain.gate_first ? gated(chain.input, chain.gates) : chain.input;
  if (is_synchronised(chain)) {
    value = synchronised_norm(value, chain.weight, chain.bias, chain.running_mean, chain.running_var,
                              chain.momentum, chain.epsilon, *chain.sum_over_processes);
  } else {
    value = at::batch_norm(value, chain.weight, chain.bias, chain.running_mean, chain.running_var,
                           chain.use_batch, chain.momentum, chain.epsilon, true);
  }
  if (has_gate && !chain.gate_first) value = gated(value, chain.gates);
  if (chain.residual.defined()) value = at::add(value, chain.residual);
  // ReLU and maximum may change places, and the maximum's output is the smaller tensor.
  if (chain.pool) value = at::max_pool2d(value, chain.pool->kernel, chain.pool->stride, chain.pool->padding);
  return chain.relu ? value.relu_() : value;
}

bool is_fusible(const NormChain& chain) {
  const at::Tensor& input = chain.input;
  if (is_synchronised(chain)) return false;
  if (input.dim() != 4 || !input.device().is_cpu() || input.numel() == 0) return false;
  const bool planes = input.is_contiguous();
  if (!planes &&
      !(input.is_contiguous(at::MemoryFormat::ChannelsLast) && has_channels_last_norm(input.size(1))))
    return false;
  const at::ScalarType type = input.scalar_type();
  if (type != at::kFloat && type != at::kDouble && type != at::kBFloat16) return false;
  if (input.size(2) * input.size(3) < smallest_plane) return false;
  const auto is_plain = [](const at::Tensor& tensor, at::ScalarType wanted, at::MemoryFormat format) {
    return tensor.scalar_type() == wanted && tensor.device().is_cpu() && tensor.is_contiguous(format);
  };
  const auto fits = [&](const at::Tensor& tensor) {
    return is_plain(tensor, computed_type(type), at::MemoryFormat::Contiguous);
  };
  if (chain.weight && !fits(*chain.weight)) return false;
  if (chain.bias && !fits(*chain.bias)) return false;
  if (chain.gates.defined() && !fits(chain.gates)) return false;
  if (chain.residual.defined() &&
      (chain.residual.sizes() != input.sizes() || chain.pool ||
       !is_plain(chain.residual, type,
                 planes ? at::MemoryFormat::Contiguous : at::MemoryFormat::ChannelsLast))) {
    return false;
  }
  return fits(chain.running_mean) && fits(chain.running_var) && (!chain.pool || chain.relu);
}

at::Tensor evaluate_chain(const NormChain& chain) {
  if (!is_fusible(chain)) return composed_chain(chain);
  if (!chain.pool || is_fusible_pool(*chain.pool)) return fused_norm(chain);
  NormChain rest = chain;
  rest.pool.reset();
  rest.relu = false;
  return at::max_pool2d(fused_norm(rest), chain.pool->kernel, chain.pool->stride, chain.pool->padding)
      .relu_();
}

}  // namespace deepmoe
