#include "engine/kernels.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "base/require_error.hpp"
#include "engine/linear.hpp"

using namespace deepmoe;

TEST_CASE("the best kernels come first and those without SIMD are always there") {
  const std::vector<std::string> targets = kernel_targets();
  REQUIRE_FALSE(targets.empty());
  CHECK(targets.front() == kernels().target);
  CHECK(targets.back() == "EMU128");
  for (const std::string& target : targets) {
    const int lanes = kernels(target).lanes;
    CHECK((lanes == 4 || lanes == 8 || lanes == 16));
  }
}

TEST_CASE("an unknown instruction set is refused with those that are there") {
  require_error(ErrorCode::invalid_argument, {"MMX", "EMU128"}, [] { kernels("MMX"); });
}

TEST_CASE("GELU is the exact one") {
  for (const std::string& target : kernel_targets()) {
    std::vector<float> x;
    for (float v = -9.0F; v < 9.0F; v += 0.0173F) x.push_back(v);
    std::vector<float> y = x;
    kernels(target).gelu(y.data(), y.size());
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = 0.5 * double{x[i]} * (1 + std::erf(double{x[i]} / std::sqrt(2.0)));
      worst = std::max(worst, std::abs(double{y[i]} - exact));
    }
    INFO(target);
    CHECK(worst < 2e-6);
  }
}

TEST_CASE("ReLU lets what is not a number pass") {
  for (const std::string& target : kernel_targets()) {
    std::vector<float> sums(23, -1.0F);
    sums[3] = sums[22] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> out(sums.size());
    kernels(target).finish_pixels(sums.data(), sums.size(), {1.0F, 0.0F, true}, nullptr, out.data());
    INFO(target);
    CHECK(std::isnan(out[3]));
    CHECK(std::isnan(out[22]));
    CHECK(out[0] == 0.0F);
  }
}

TEST_CASE("linear kernels equal their definition for any list of features") {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  for (const std::string& target : kernel_targets()) {
    for (const auto& [inputs, outputs, listed] : std::vector<std::tuple<int, int, bool>>{{1, 1, true},
                                                                                         {128, 64, true},
                                                                                         {2500, 10, true},
                                                                                         {37, 133, true},
                                                                                         {64, 200, false},
                                                                                         {2500, 10, false}}) {
      std::vector<float> weight(static_cast<std::size_t>(inputs * outputs));
      // Numbers that bfloat16 holds exactly, so that one definition serves both precisions.
      for (float& w : weight) w = to_float(nearest<BFloat16>(normal(random)));
      for (const WeightPrecision precision : {WeightPrecision::fp32, WeightPrecision::bf16}) {
        const LinearKernel kernel(kernels(target), inputs, outputs, weight.data(), precision);
        // More than are computed together.
        constexpr std::size_t count = product_rows_limit + 3;
        std::vector<std::vector<float>> x(count);
        std::vector<std::vector<std::int32_t>> lists(count);
        std::vector<FeatureList> samples;
        for (std::size_t n = 0; n < count; ++n) {
          const bool all = !listed || n == 0;
          for (int f = 0; f < inputs; ++f) {
            if (!all && random() % 3 == 0) continue;
            lists[n].push_back(f);
            x[n].push_back(normal(random));
          }
          samples.push_back(
              {x[n].data(), all ? nullptr : lists[n].data(), static_cast<std::int32_t>(x[n].size())});
        }
        std::vector<float> sums(count * kernel.padded_outputs(), 99.0F);
        kernel.run(samples, sums.data(), Team(1));
        double worst = 0;
        for (std::size_t n = 0; n < count; ++n) {
          for (int o = 0; o < outputs; ++o) {
            double sum = 0;
            for (std::size_t i = 0; i < x[n].size(); ++i)
              sum += double{x[n][i]} * double{weight[static_cast<std::size_t>(o * inputs + lists[n][i])]};
            worst = std::max(
                worst,
                std::abs(sum - double{sums[n * kernel.padded_outputs() + static_cast<std::size_t>(o)]}));
          }
        }
        INFO(target, " ", inputs, " to ", outputs);
        CHECK(worst < 1e-3);
      }
    }
  }
}
