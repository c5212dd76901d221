#pragma once

#include <cstdint>

namespace deepmoe {

/// Sets all but the `limit` largest of `count` gates to 0; of equals the first stay. Gates are not negative;
/// one that is not a number counts as the largest.
void keep_largest(float* gates, std::int32_t count, std::int32_t limit);

}  // namespace deepmoe
