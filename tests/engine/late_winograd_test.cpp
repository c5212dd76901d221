// Kernels that are kept as they are and transformed where they are used: src/engine/late_winograd.cpp.

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/convolution_problem.hpp"

using namespace deepmoe;
using namespace deepmoe::test;

TEST_CASE("Winograd convolutions of kernels transformed late equal their definition") {
  Random random(8);
  for (const std::string& target : kernel_targets()) {
    for (int round = 0; round < 60; ++round) {
      const Geometry geometry{1 + static_cast<std::int32_t>(random() % 80),
                              1 + static_cast<std::int32_t>(random() % 29),
                              3 + static_cast<std::int32_t>(random() % 6),
                              3 + static_cast<std::int32_t>(random() % 6),
                              3,
                              1,
                              1};
      // Few samples use kernels as they are, many transform them.
      const std::size_t samples = round % 2 == 0 ? 1 + random() % 2 : 20;
      ConvolutionProblem problem = random_problem(geometry, samples, random() % 3 == 0, random);
      const auto precision = round % 4 < 2 ? WeightPrecision::fp32 : WeightPrecision::bf16;
      if (precision == WeightPrecision::bf16) {
        // Sums of kernels have no place in bfloat16 exactly.
        problem.constants.clear();
        for (float& weight : problem.weight) weight = to_float(nearest<BFloat16>(weight));
      }
      const float* constants = problem.constants.empty() ? nullptr : problem.constants.data();
      INFO(target, ": ", text_of(geometry));
      const auto either = make_late_winograd_convolution(kernels(target), geometry, problem.weight.data(),
                                                         constants, precision);
      CHECK(solve(problem, *either) < 1e-5);
      const auto packed =
          std::make_shared<const PackedKernels<float>>(geometry, problem.weight.data(), constants);
      const auto always =
          make_packed_winograd_convolution(kernels(target), geometry, packed, problem.constants);
      CHECK(solve(problem, *always) < 1e-5);
    }
  }
}

TEST_CASE("kernels that are transformed late are shared out between two threads") {
  Random random(9);
  for (int round = 0; round < 20; ++round) {
    const Geometry geometry{70, 29, 5, 6, 3, 1, 1};
    const std::size_t samples = round % 2 == 0 ? 1 : 20;
    const ConvolutionProblem problem = random_problem(geometry, samples, round % 3 == 0, random);
    const auto kernel = make_late_winograd_convolution(
        kernels(), geometry, problem.weight.data(),
        problem.constants.empty() ? nullptr : problem.constants.data(), WeightPrecision::fp32);
    CHECK(solve(problem, *kernel, 2) < 1e-5);
  }
}

TEST_CASE("large kernels are kept as they are") {
  const std::vector<float> weight(std::size_t{512} * 256 * 9, 0.1F);
  const auto kernel = make_convolution(kernels(), {256, 512, 4, 4, 3, 1, 1}, weight.data(), nullptr, false,
                                       WeightPrecision::fp32);
  CHECK(kernel->name() == "late winograd");
  CHECK(kernel->weight_bytes() < weight.size() * sizeof(float) * 101 / 100);
}
