#include "engine/linear.hpp"

#include <algorithm>
#include <cstring>

namespace deepmoe {
namespace {

/// Features whose weights stay in the cache while samples pass by; also the length of a partial sum.
constexpr std::int32_t features_at_a_time = 1024;

}  // namespace

LinearKernel::LinearKernel(const Kernels& kernels, std::int32_t inputs, std::int32_t outputs,
                           const float* weight)
    : kernels_(kernels),
      inputs_(inputs),
      block_(static_cast<std::size_t>(product_columns * kernels.lanes)),
      blocks_((static_cast<std::size_t>(outputs) + block_ - 1) / block_),
      weights_(blocks_ * block_ * static_cast<std::size_t>(inputs)) {
  std::memset(weights_.data(), 0, weights_.bytes());
  const auto features = static_cast<std::size_t>(inputs);
  for (std::size_t output = 0; output < static_cast<std::size_t>(outputs); ++output) {
    float* block = weights_.data() + output / block_ * block_ * features + output % block_;
    for (std::size_t feature = 0; feature < features; ++feature) {
      block[feature * block_] = weight[output * features + feature];
    }
  }
}

void LinearKernel::run(std::span<const FeatureList> samples, float* sums, const Team& team) const {
  team.for_each(static_cast<std::int32_t>(blocks_), [&](std::int32_t task) {
    const auto block = static_cast<std::size_t>(task);
    const float* weights = weights_.data() + block * block_ * static_cast<std::size_t>(inputs_);
    for (std::size_t n = 0; n < samples.size(); ++n) {
      std::fill_n(sums + n * padded_outputs() + block * block_, block_, 0.0F);
    }
    for (std::int32_t first = 0; first < inputs_; first += features_at_a_time) {
      const std::int32_t last = std::min(inputs_, first + features_at_a_time);
      for (std::size_t n = 0; n < samples.size(); ++n) {
        const FeatureList& sample = samples[n];
        const std::int32_t* end = sample.features + sample.count;
        std::int32_t begin = first, stop = std::min(last, sample.count);
        const float* rows = weights;
        if (sample.features != nullptr) {
          begin = static_cast<std::int32_t>(std::lower_bound(sample.features, end, first) - sample.features);
          stop = static_cast<std::int32_t>(std::lower_bound(sample.features + begin, end, last) -
                                           sample.features);
        } else {
          rows += static_cast<std::size_t>(first) * block_;
        }
        if (stop <= begin) continue;
        kernels_.row_product(sample.x + begin, rows,
                             sample.features != nullptr ? sample.features + begin : nullptr, stop - begin,
                             product_columns, sums + n * padded_outputs() + block * block_);
      }
    }
  });
}

}  // namespace deepmoe
