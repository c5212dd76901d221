#pragma once

namespace deepmoe {

/// What the weights of gated convolutions and of the classifier are kept in. Everything is computed in
/// float32; what decides over experts, the embedding network and the gates' heads, stays float32 entirely, so
/// that bf16 activates the same ones.
enum class WeightPrecision { fp32, bf16 };

}  // namespace deepmoe
