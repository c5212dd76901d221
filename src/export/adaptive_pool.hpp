#pragma once

#include <cstdint>
#include <vector>

namespace deepmoe {

/// An adaptive average pool along one axis as a matrix (output x input), row-major: output i is the mean of
/// the elements from floor(i input / output) to ceil((i + 1) input / output), the last one excluded.
std::vector<float> adaptive_pool_matrix(std::int64_t input, std::int64_t output);

}  // namespace deepmoe
