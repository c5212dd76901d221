#include "export/adaptive_pool.hpp"

#include <cstddef>

namespace deepmoe {

std::vector<float> adaptive_pool_matrix(std::int64_t input, std::int64_t output) {
  std::vector<float> matrix(static_cast<std::size_t>(input * output), 0.0F);
  for (std::int64_t row = 0; row < output; ++row) {
    const std::int64_t begin = row * input / output, end = ((row + 1) * input + output - 1) / output;
    for (std::int64_t column = begin; column < end; ++column) {
      matrix[static_cast<std::size_t>(row * input + column)] = 1.0F / static_cast<float>(end - begin);
    }
  }
  return matrix;
}

}  // namespace deepmoe
