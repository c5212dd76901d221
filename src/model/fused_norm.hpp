#pragma once

#include "model/norm_chain.hpp"

namespace deepmoe {

/// evaluate_chain for what is_fusible, with a maximum of stride 1 or 2 only. Channel by channel, and within a
/// channel plane by plane, so that what is read a second time is still in the cache.
at::Tensor fused_norm(const NormChain& chain);

}  // namespace deepmoe
