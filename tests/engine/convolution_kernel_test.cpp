#include "engine/convolution_kernel.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/convolution_problem.hpp"

using namespace deepmoe;
using namespace deepmoe::test;

TEST_CASE("direct convolutions equal their definition for any extents and lists of channels") {
  Random random(1);
  for (const std::string& target : kernel_targets()) {
    for (int round = 0; round < 60; ++round) {
      Geometry geometry;
      geometry.inputs = 1 + static_cast<std::int32_t>(random() % 9);
      geometry.outputs = 1 + static_cast<std::int32_t>(random() % 17);
      geometry.kernel = 1 + static_cast<std::int32_t>(random() % 7);
      geometry.stride = 1 + static_cast<std::int32_t>(random() % 3);
      geometry.padding = static_cast<std::int32_t>(random()) & 3;
      geometry.padding = std::min(geometry.padding, geometry.kernel - 1);
      const std::int32_t least = std::max(1, geometry.kernel - 2 * geometry.padding);
      geometry.height = least + static_cast<std::int32_t>(random() % 14);
      geometry.width = least + static_cast<std::int32_t>(random() % 14);
      ConvolutionProblem problem = random_problem(geometry, 1 + random() % 3, random() % 4 == 0, random);
      const WeightPrecision precision = round % 2 == 0 ? WeightPrecision::fp32 : WeightPrecision::bf16;
      if (precision == WeightPrecision::bf16) {
        // Sums of kernels have no place in bfloat16 exactly.
        problem.constants.clear();
        for (float& weight : problem.weight) weight = to_float(nearest<BFloat16>(weight));
      }
      const auto kernel =
          make_direct_convolution(kernels(target), geometry, problem.weight.data(),
                                  problem.constants.empty() ? nullptr : problem.constants.data(), precision);
      INFO(target, ": ", text_of(geometry));
      CHECK(solve(problem, *kernel) < 1e-5);
    }
  }
}

TEST_CASE("Winograd convolutions equal their definition for any extents and lists of channels") {
  Random random(2);
  for (const std::string& target : kernel_targets()) {
    for (int round = 0; round < 60; ++round) {
      Geometry geometry{1 + static_cast<std::int32_t>(random() % 20),
                        1 + static_cast<std::int32_t>(random() % 29),
                        2 + static_cast<std::int32_t>(random() % 17),
                        2 + static_cast<std::int32_t>(random() % 17),
                        3,
                        1,
                        1};
      // Small planes are the ones where samples share a product.
      if (round % 3 == 0) geometry.height = geometry.width = 2 + round % 2;
      if (round % 7 == 0) {
        geometry.padding = 0;
        geometry.height += 2;
        geometry.width += 2;
      }
      const ConvolutionProblem problem =
          random_problem(geometry, 1 + random() % 6, random() % 3 == 0, random);
      const WeightPrecision precision = round % 2 == 0 ? WeightPrecision::fp32 : WeightPrecision::bf16;
      const auto kernel = make_winograd_convolution(
          kernels(target), geometry, problem.weight.data(),
          problem.constants.empty() ? nullptr : problem.constants.data(), precision);
      INFO(target, ": ", text_of(geometry));
      CHECK(solve(problem, *kernel) < (precision == WeightPrecision::bf16 ? 2e-2 : 1e-5));
    }
  }
}

TEST_CASE(
    "Winograd convolutions of large tiles equal their definition for any extents and lists of channels") {
  Random random(5);
  for (const std::string& target : kernel_targets()) {
    for (int round = 0; round < 40; ++round) {
      Geometry geometry{1 + static_cast<std::int32_t>(random() % 20),
                        1 + static_cast<std::int32_t>(random() % 29),
                        3 + static_cast<std::int32_t>(random() % 31),
                        3 + static_cast<std::int32_t>(random() % 31),
                        3,
                        1,
                        static_cast<std::int32_t>(random() % 2)};
      const ConvolutionProblem problem =
          random_problem(geometry, 1 + random() % 3, random() % 3 == 0, random);
      const auto kernel =
          make_large_winograd_convolution(kernels(target), geometry, problem.weight.data(),
                                          problem.constants.empty() ? nullptr : problem.constants.data());
      INFO(target, ": ", text_of(geometry));
      CHECK(solve(problem, *kernel) < 5e-5);
    }
  }
}

TEST_CASE("planes as networks have them are computed right by every kernel") {
  Random random(6);
  for (const std::string& target : kernel_targets()) {
    for (const std::int32_t size : {4, 8, 16, 32, 56}) {
      const ConvolutionProblem three = random_problem({5, 7, size, size, 3, 1, 1}, 2, false, random);
      const ConvolutionProblem strided = random_problem({5, 7, size, size, 3, 2, 1}, 2, false, random);
      const ConvolutionProblem point = random_problem({5, 7, size, size, 1, 2, 0}, 2, false, random);
      const auto error_of = [&](const auto& make, const ConvolutionProblem& problem, auto... precision) {
        const float* constants = problem.constants.empty() ? nullptr : problem.constants.data();
        return solve(problem, *make(kernels(target), problem.geometry, problem.weight.data(), constants,
                                    precision...));
      };
      INFO(target, ": ", size);
      CHECK(error_of(make_winograd_convolution, three, WeightPrecision::fp32) < 1e-5);
      CHECK(error_of(make_large_winograd_convolution, three) < 5e-5);
      CHECK(error_of(make_direct_convolution, three, WeightPrecision::fp32) < 1e-5);
      CHECK(error_of(make_direct_convolution, strided, WeightPrecision::fp32) < 1e-5);
      CHECK(error_of(make_direct_convolution, point, WeightPrecision::fp32) < 1e-5);
    }
  }
}

TEST_CASE("convolutions whose inputs do not fit the cache are computed in pieces") {
  Random random(3);
  for (const Geometry& geometry :
       {Geometry{70, 5, 34, 34, 3, 1, 1}, Geometry{40, 3, 41, 39, 3, 2, 1}, Geometry{300, 4, 16, 16, 1, 1, 0},
        Geometry{130, 140, 6, 6, 3, 1, 1}, Geometry{300, 50, 9, 15, 3, 1, 1}}) {
    const ConvolutionProblem problem = random_problem(geometry, 2, false, random);
    const auto kernel = make_convolution(kernels(), geometry, problem.weight.data(),
                                         problem.constants.empty() ? nullptr : problem.constants.data(),
                                         false, WeightPrecision::fp32);
    INFO(text_of(geometry));
    CHECK(solve(problem, *kernel) < 1e-5);
  }
}

TEST_CASE("planes of one tile need nine numbers of a kernel and others sixteen") {
  const std::vector<float> weight(std::size_t{128} * 128 * 9, 0.1F);
  const auto bytes = [&](std::int32_t size) {
    return make_winograd_convolution(kernels(), {128, 128, size, size, 3, 1, 1}, weight.data(), nullptr,
                                     WeightPrecision::fp32)
        ->weight_bytes();
  };
  CHECK(bytes(2) < weight.size() * sizeof(float) * 11 / 10);
  CHECK(bytes(4) > weight.size() * sizeof(float) * 16 / 9);
}

TEST_CASE("many samples that read few channels of large kernels stay within the memory for sums") {
  Random random(7);
  const Geometry geometry{100, 100, 8, 8, 3, 1, 1};
  ConvolutionProblem problem = random_problem(geometry, 24, true, random);
  problem.input_scales.clear();
  for (std::size_t n = 0; n < problem.samples(); ++n) {
    // Other channels for each sample, every output.
    problem.read[n].clear();
    for (std::int32_t c = static_cast<std::int32_t>(n) % 9; c < geometry.inputs; c += 9)
      problem.read[n].push_back(c);
  }
  const auto kernel = make_winograd_convolution(
      kernels(), geometry, problem.weight.data(),
      problem.constants.empty() ? nullptr : problem.constants.data(), WeightPrecision::fp32);
  CHECK(solve(problem, *kernel) < 1e-5);
}

TEST_CASE("dense convolutions equal their definition for any extents and lists of inputs") {
  Random random(4);
  for (const std::string& target : kernel_targets()) {
    for (int round = 0; round < 60; ++round) {
      Geometry geometry;
      geometry.inputs = 1 + static_cast<std::int32_t>(random() % 20);
      geometry.outputs = 1 + static_cast<std::int32_t>(random() % 150);
      geometry.kernel = 1 + static_cast<std::int32_t>(random() % 5);
      geometry.stride = 1 + static_cast<std::int32_t>(random() % 3);
      geometry.padding = std::min(static_cast<std::int32_t>(random()) & 3, geometry.kernel - 1);
      const std::int32_t least = std::max(1, geometry.kernel - 2 * geometry.padding);
      geometry.height = least + static_cast<std::int32_t>(random() % 9);
      geometry.width = least + static_cast<std::int32_t>(random() % 9);
      ConvolutionProblem problem = random_problem(geometry, 1 + random() % 3, true, random);
      for (std::size_t n = 0; round % 2 == 0 && n < problem.samples(); ++n) {
        problem.read[n] = random_list(geometry.inputs, random);
        if (!problem.input_scales.empty()) problem.input_scales[n].resize(problem.read[n].size());
      }
      const auto kernel =
          make_dense_convolution(kernels(target), geometry, problem.weight.data(),
                                 problem.constants.empty() ? nullptr : problem.constants.data());
      INFO(target, ": ", text_of(geometry));
      CHECK(solve(problem, *kernel) < 1e-5);
    }
  }
}

TEST_CASE("3x3 convolutions of stride 1 are Winograd's and others direct or dense") {
  const std::vector<float> weight(16 * 16 * 9, 0.1F);
  const auto name = [&](const Geometry& geometry, bool every_output,
                        WeightPrecision precision = WeightPrecision::fp32) {
    return make_convolution(kernels(), geometry, weight.data(), nullptr, every_output, precision)->name();
  };
  CHECK(name({16, 16, 8, 8, 3, 1, 1}, false) == "winograd");
  CHECK(name({16, 16, 8, 8, 3, 1, 1}, true) == "winograd");
  CHECK(name({16, 16, 2, 2, 3, 1, 1}, false) == "winograd");
  CHECK(name({16, 16, 32, 32, 3, 1, 1}, false) == "large winograd");
  CHECK(make_convolution(kernels(), {128, 128, 28, 28, 3, 1, 1},
                         std::vector<float>(std::size_t{128} * 128 * 9).data(), nullptr, false,
                         WeightPrecision::fp32)
            ->name() == "winograd");
  CHECK(name({16, 16, 8, 8, 3, 2, 1}, false) == "direct");
  CHECK(name({16, 16, 8, 8, 3, 2, 1}, true) == "dense");
  CHECK(name({16, 16, 8, 8, 3, 2, 1}, true, WeightPrecision::bf16) == "direct");
  CHECK(name({16, 16, 8, 8, 1, 1, 0}, false) == "direct");
  CHECK(name({32, 16, 8, 8, 1, 1, 0}, true) == "dense");
  CHECK(name({32, 16, 32, 32, 1, 1, 0}, true) == "direct");
  CHECK(name({3, 16, 8, 8, 3, 1, 1}, true) == "direct");
  CHECK(name({16, 16, 1, 1, 3, 1, 1}, false) == "direct");
}
