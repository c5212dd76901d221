#pragma once

#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "engine/aligned_buffer.hpp"
#include "engine/convolution_kernel.hpp"

namespace deepmoe::test {

using Random = std::mt19937;

inline std::vector<float> random_numbers(std::size_t count, Random& random) {
  std::normal_distribution<float> normal;
  std::vector<float> numbers(count);
  for (float& number : numbers) number = normal(random);
  return numbers;
}

/// A random ascending list of channels; possibly empty, possibly all.
inline std::vector<std::int32_t> random_list(std::int32_t channels, Random& random) {
  const double density = std::vector<double>{0.0, 0.2, 0.5, 0.9, 1.0}[random() % 5];
  std::vector<std::int32_t> list;
  for (std::int32_t c = 0; c < channels; ++c) {
    if (std::uniform_real_distribution<>()(random) < density) list.push_back(c);
  }
  return list;
}

/// A batch with its lists, and the result by the definition of a convolution.
struct ConvolutionProblem {
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

inline ConvolutionProblem random_problem(const Geometry& geometry, std::size_t samples, bool everything,
                                         Random& random) {
  ConvolutionProblem problem;
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
inline double solve(const ConvolutionProblem& problem, const ConvolutionKernel& kernel, int threads = 1) {
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

inline std::string text_of(const Geometry& geometry) {
  return std::to_string(geometry.inputs) + " to " + std::to_string(geometry.outputs) + ", " +
         std::to_string(geometry.height) + " x " + std::to_string(geometry.width) + ", kernel " +
         std::to_string(geometry.kernel) + ", stride " + std::to_string(geometry.stride) + ", padding " +
         std::to_string(geometry.padding);
}

}  // namespace deepmoe::test
