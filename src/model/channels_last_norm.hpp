#pragma once

#include <cstdint>

#include "model/norm_call.hpp"

namespace deepmoe {

/// Whether there are kernels for so many channels with the channels of a pixel side by side.
bool has_channels_last_norm(std::int64_t channels);

/// The passes of fused_norm over activations with channels last, in one of the types that plane_kernels has,
/// and for numbers of channels that has_channels_last_norm. All activations of a call lie so.
void channels_last_forward(const NormForward& call);
void channels_last_backward(const NormBackward& call);

}  // namespace deepmoe
