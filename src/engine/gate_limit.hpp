#pragma once

#include <cstdint>

#include "engine/kernels.hpp"

namespace deepmoe {

/// Sets all but the `limit` largest of `count` gates to 0; of equals the first stay. Gates are not negative;
/// one that is not a number counts as the largest.
void keep_largest(const Kernels& kernels, float* gates, std::int32_t count, std::int32_t limit);

}  // namespace deepmoe
