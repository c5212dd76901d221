#include "engine/convolution_kernel.hpp"

#include <doctest/doctest.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/aligned_buffer.hpp"

using namespace deepmoe;

namespace {

using Random = std::mt19937;

std::vector<float> random_numbers(std::size_t count, Random& random) {
  std::normal_distribution<float> normal;
  std::vector<float> numbers(count);
  for (float& number : numbers) number = normal(random);
  return numbers;
}

/// A random ascending list of channels; possibly empty, possibly all.
std::vector<std::int32_t> random_list(std::int32_t channels, Random& random) {
  const double density = std::vector<double>{0.0, 0.2, 0.5, 0.9, 1.0}[random() % 5];
  std::vector<std::int32_t> list;
  for (std::int32_t c = 0; c < channels; ++c) {
    if (std::uniform_real_distribution<>()(random) < density) list.push_back(c);
  }
  return list;
}

/// A batch with its lists, and the result by the definition of a convolution.
struct Problem {
  Geometry geometry;
  std::vector<float> weight, constants, images, residual;
  std::vector<std::vector<std::int32_t>> read, computed;
  std::vector<std::vector<float>> input_scales, scales, offsets;
  bool relu = false;

  std::size_t samples() const { return read.size(); }

  double value(std::size_t n, std::int32_t channel, std::int32_t y, std::int32_t x) const {
    if (y < 0 || x < 0 || y >= geometry.height || x >= geometry.width) return 0;
    const auto at = std::find(read[n].begin(), read[n].end(), channel);
    if (at == read[n].end())
      return constants.empty() ? 0.0 : double{constants[static_cast<std::size_t>(channel)]};
    const std::size_t pixel =
        (n * static_cast<std::size_t>(geometry.inputs) + static_cast<std::size_t>(channel)) *
            geometry.in_plane() +
        static_cast<std::size_t>(y * geometry.width + x);
    if (input_scales.empty()) return images[pixel];
    return double{images[pixel]} * double{input_scales[n][static_cast<std::size_t>(at - read[n].begin())]};
  }

  double expected(std::size_t n, std::size_t place, std::int32_t y, std::int32_t x) const {
    const std::int32_t output = computed[n][place];
    double sum = 0;
    for (std::int32_t input = 0; input < geometry.inputs; ++input) {
      for (std::int32_t i = 0; i < geometry.kernel; ++i) {
        for (std::int32_t j = 0; j < geometry.kernel; ++j) {
          const double pixel = value(n, input, y * geometry.stride + i - geometry.padding,
                                     x * geometry.stride + j - geometry.padding);
          sum +=
              pixel * double{weight[static_cast<std::size_t>(
                          ((output * geometry.inputs + input) * geometry.kernel + i) * geometry.kernel + j)]};
        }
      }
    }
    double result = sum * double{scales[n][place]} + double{offsets[n][place]};
    if (!residual.empty()) result += double{residual[out_at(n, output, y, x)]};
    return relu ? std::max(result, 0.0) : result;
  }

  std::size_t out_at(std::size_t n, std::int32_t output, std::int32_t y, std::int32_t x) const {
    return (n * static_cast<std::size_t>(geometry.outputs) + static_cast<std::size_t>(output)) *
               geometry.out_plane() +
           static_cast<std::size_t>(y * geometry.out_width() + x);
  }
};

Problem random_problem(const Geometry& geometry, std::size_t samples, bool everything, Random& random) {
  Problem problem;
  problem.geometry = geometry;
  problem.weight = random_numbers(
      static_cast<std::size_t>(geometry.outputs * geometry.inputs * geometry.kernel * geometry.kernel),
      random);
  if (random() % 2 == 0)
    problem.constants = random_numbers(static_cast<std::size_t>(geometry.inputs), random);
  problem.images =
      random_numbers(samples * static_cast<std::size_t>(geometry.inputs) * geometry.in_plane(), random);
  if (random() % 2 == 0) {
    problem.residual =
        random_numbers(samples * static_cast<std::size_t>(geometry.outputs) * geometry.out_plane(), random);
  }
  problem.relu = random() % 2 == 0;
  // Gates on the input never come with constants.
  const bool scaled = problem.constants.empty() && random() % 2 == 0;
  for (std::size_t n = 0; n < samples; ++n) {
    problem.read.push_back(random_list(geometry.inputs, random));
    problem.computed.push_back(random_list(geometry.outputs, random));
    if (everything) {
      problem.read.back().resize(static_cast<std::size_t>(geometry.inputs));
      problem.computed.back().resize(static_cast<std::size_t>(geometry.outputs));
      for (auto* list : {&problem.read.back(), &problem.computed.back()}) {
        for (std::size_t c = 0; c < list->size(); ++c) (*list)[c] = static_cast<std::int32_t>(c);
      }
    }
    if (scaled) problem.input_scales.push_back(random_numbers(problem.read.back().size(), random));
    problem.scales.push_back(random_numbers(problem.computed.back().size(), random));
    problem.offsets.push_back(random_numbers(problem.computed.back().size(), random));
  }
  return problem;
}

/// The largest error relative to the largest result; untouched channels must stay as they were.
double solve(const Problem& problem, const ConvolutionKernel& kernel, int threads = 1) {
  constexpr float untouched = -123.0F;
  const Geometry& geometry = problem.geometry;
  std::vector<float> out(
      problem.samples() * static_cast<std::size_t>(geometry.outputs) * geometry.out_plane(), untouched);
  std::vector<SampleInput> inputs(problem.samples());
  std::vector<SampleOutput> outputs(problem.samples());
  // Channels that are all there need no list; it may be given.
  const auto list_of = [](std::size_t n, const std::vector<std::int32_t>& list, std::int32_t channels) {
    return n % 2 == 0 && list.size() == static_cast<std::size_t>(channels) ? nullptr : list.data();
  };
  for (std::size_t n = 0; n < problem.samples(); ++n) {
    inputs[n] = {problem.images.data() + n * static_cast<std::size_t>(geometry.inputs) * geometry.in_plane(),
                 list_of(n, problem.read[n], geometry.inputs),
                 static_cast<std::int32_t>(problem.read[n].size()),
                 problem.input_scales.empty() ? nullptr : problem.input_scales[n].data()};
    const std::size_t first = n * static_cast<std::size_t>(geometry.outputs) * geometry.out_plane();
    outputs[n] = {out.data() + first,
                  list_of(n, problem.computed[n], geometry.outputs),
                  static_cast<std::int32_t>(problem.computed[n].size()),
                  problem.scales[n].data(),
                  problem.offsets[n].data(),
                  problem.residual.empty() ? nullptr : problem.residual.data() + first};
  }
  constexpr std::size_t behind = 128 * 1024;
  const std::size_t needed = kernel.scratch_floats(static_cast<std::int32_t>(problem.samples()), threads);
  AlignedBuffer scratch(needed + behind);
  // What an earlier layer left behind must not be seen, and what lies behind the memory must stay.
  std::fill_n(scratch.data(), scratch.size(), 1e9F);
  const auto run = [&] { kernel.run(inputs, outputs, problem.relu, scratch.data(), Team(threads)); };
  if (threads == 1) {
    run();
  } else {
    tbb::task_arena(threads).execute(run);
  }
  if (std::any_of(scratch.data() + needed, scratch.data() + scratch.size(),
                  [](float x) { return x != 1e9F; }))
    return 2e9;

  double error = 0, largest = 1;
  for (std::size_t n = 0; n < problem.samples(); ++n) {
    for (std::int32_t output = 0, place = 0; output < geometry.outputs; ++output) {
      const bool computed = place < static_cast<std::int32_t>(problem.computed[n].size()) &&
                            problem.computed[n][static_cast<std::size_t>(place)] == output;
      for (std::int32_t y = 0; y < geometry.out_height(); ++y) {
        for (std::int32_t x = 0; x < geometry.out_width(); ++x) {
          const float got = out[problem.out_at(n, output, y, x)];
          if (!computed) {
            if (got != untouched) return 1e9;
            continue;
          }
          const double expected = problem.expected(n, static_cast<std::size_t>(place), y, x);
          error = std::max(error, std::abs(expected - double{got}));
          largest = std::max(largest, std::abs(expected));
        }
      }
      if (computed) ++place;
    }
  }
  return error / largest;
}

std::string text_of(const Geometry& geometry) {
  return std::to_string(geometry.inputs) + " to " + std::to_string(geometry.outputs) + ", " +
         std::to_string(geometry.height) + " x " + std::to_string(geometry.width) + ", kernel " +
         std::to_string(geometry.kernel) + ", stride " + std::to_string(geometry.stride) + ", padding " +
         std::to_string(geometry.padding);
}

}  // namespace

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
      Problem problem = random_problem(geometry, 1 + random() % 3, random() % 4 == 0, random);
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
      const Problem problem = random_problem(geometry, 1 + random() % 6, random() % 3 == 0, random);
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
      const Problem problem = random_problem(geometry, 1 + random() % 3, random() % 3 == 0, random);
      const auto kernel =
          make_large_winograd_convolution(kernels(target), geometry, problem.weight.data(),
                                          problem.constants.empty() ? nullptr : problem.constants.data());
      INFO(target, ": ", text_of(geometry));
      CHECK(solve(problem, *kernel) < 5e-5);
    }
  }
}

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
      Problem problem = random_problem(geometry, samples, random() % 3 == 0, random);
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
    const Problem problem = random_problem(geometry, samples, round % 3 == 0, random);
    const auto kernel = make_late_winograd_convolution(
        kernels(), geometry, problem.weight.data(),
        problem.constants.empty() ? nullptr : problem.constants.data(), WeightPrecision::fp32);
    CHECK(solve(problem, *kernel, 2) < 1e-5);
  }
}

TEST_CASE("planes as networks have them are computed right by every kernel") {
  Random random(6);
  for (const std::string& target : kernel_targets()) {
    for (const std::int32_t size : {4, 8, 16, 32, 56}) {
      const Problem three = random_problem({5, 7, size, size, 3, 1, 1}, 2, false, random);
      const Problem strided = random_problem({5, 7, size, size, 3, 2, 1}, 2, false, random);
      const Problem point = random_problem({5, 7, size, size, 1, 2, 0}, 2, false, random);
      const auto error_of = [&](const auto& make, const Problem& problem, auto... precision) {
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
    const Problem problem = random_problem(geometry, 2, false, random);
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

TEST_CASE("large kernels are kept as they are") {
  const std::vector<float> weight(std::size_t{512} * 256 * 9, 0.1F);
  const auto kernel = make_convolution(kernels(), {256, 512, 4, 4, 3, 1, 1}, weight.data(), nullptr, false,
                                       WeightPrecision::fp32);
  CHECK(kernel->name() == "late winograd");
  CHECK(kernel->weight_bytes() < weight.size() * sizeof(float) * 101 / 100);
}

TEST_CASE("many samples that read few channels of large kernels stay within the memory for sums") {
  Random random(7);
  const Geometry geometry{100, 100, 8, 8, 3, 1, 1};
  Problem problem = random_problem(geometry, 24, true, random);
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
      Problem problem = random_problem(geometry, 1 + random() % 3, true, random);
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
