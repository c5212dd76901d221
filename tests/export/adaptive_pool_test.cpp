#include "export/adaptive_pool.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <numeric>

using namespace deepmoe;

TEST_CASE("a matrix of the adaptive pool takes means of windows that cover the input") {
  for (std::int64_t input = 1; input <= 20; ++input) {
    for (std::int64_t output = 1; output <= 9; ++output) {
      CAPTURE(input);
      CAPTURE(output);
      const std::vector<float> matrix = adaptive_pool_matrix(input, output);
      REQUIRE(matrix.size() == static_cast<std::size_t>(input * output));
      for (std::int64_t row = 0; row < output; ++row) {
        for (std::int64_t column = 0; column < input; ++column) {
          // Element and window overlap on the real line, each output taking input / output of it.
          const bool inside = column * output < (row + 1) * input && (column + 1) * output > row * input;
          const float weight = matrix[static_cast<std::size_t>(row * input + column)];
          CHECK((weight > 0) == inside);
        }
        const auto begin = matrix.begin() + row * input;
        CHECK(std::accumulate(begin, begin + input, 0.0F) == doctest::Approx(1));
      }
    }
  }
}
