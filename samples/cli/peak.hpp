#pragma once

#include <cstdint>

namespace deepmoe::command {

/// Billions of float32 multiply-accumulates a second that `threads` threads reach on registers alone: what no
/// computation can beat (but Winograd's transforms save multiplications, so that its usual count may).
double peak_gmacs(std::int64_t threads);

}  // namespace deepmoe::command
