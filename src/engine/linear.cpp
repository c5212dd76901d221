#include "engine/linear.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

namespace deepmoe {
namespace {

/// Features whose weights stay in the cache while samples pass by; also the length of a partial sum.
constexpr std::int32_t features_at_a_time = 1024;

}  // namespace

LinearKernel::LinearKernel(const Kernels& kernels, std::int32_t inputs, std::int32_t outputs,
                           const float* weight, WeightPrecision precision)
    : kernels_(kernels),
      inputs_(inputs),
      block_(static_cast<std::size_t>(product_columns * kernels.lanes)),
      blocks_((static_cast<std::size_t>(outputs) + block_ - 1) / block_) {
  if (precision == WeightPrecision::bf16) {
    weights_ = packed<BFloat16>(static_cast<std::size_t>(outputs), weight);
  } else {
    weights_ = packed<float>(static_cast<std::size_t>(outputs), weight);
  }
}

template <class Weight>
AlignedArray<Weight> LinearKernel::packed(std::size_t outputs, const float* weight) const {
  const auto features = static_cast<std::size_t>(inputs_);
  AlignedArray<Weight> weights(blocks_ * block_ * features);
  std::fill_n(weights.data(), weights.size(), Weight{});
  for (std::size_t output = 0; output < outputs; ++output) {
    Weight* block = weights.data() + output / block_ * block_ * features + output % block_;
    for (std::size_t feature = 0; feature < features; ++feature)
      block[feature * block_] = nearest<Weight>(weight[output * features + feature]);
  }
  return weights;
}

void LinearKernel::run(std::span<const FeatureList> samples, float* sums, const Team& team) const {
  std::visit(
      [&](const auto& weights) {
        team.for_each(static_cast<std::int32_t>(blocks_), [&](std::int32_t task) {
          const auto block = static_cast<std::size_t>(task);
          run(weights.data() + block * block_ * static_cast<std::size_t>(inputs_), block, samples, sums);
        });
      },
      weights_);
}

/// Features without a list: a block's weights for each feature serve several samples.
void LinearKernel::run_together(const float* weights, std::size_t block, std::span<const FeatureList> samples,
                                float* sums) const {
  std::array<float, std::size_t{product_rows_limit} * product_columns * tile_points> of_samples;
  std::array<const float*, product_rows_limit> rows;
  const auto most = static_cast<std::size_t>(kernels_.rows_limit[product_columns]);
  const std::int32_t first = 0;
  for (std::size_t n = 0; n < samples.size(); n += most) {
    const std::size_t count = std::min(most, samples.size() - n);
    for (std::size_t k = 0; k < count; ++k) rows[k] = samples[n + k].x;
    kernels_.float_products.scalars(weights, rows.data(), nullptr, &first, nullptr, 1, inputs_,
                                    static_cast<int>(count), product_columns, of_samples.data());
    for (std::size_t k = 0; k < count; ++k)
      std::copy_n(of_samples.data() + k * block_, block_, sums + (n + k) * padded_outputs() + block * block_);
  }
}

template <class Weight>
void LinearKernel::run(const Weight* weights, std::size_t block, std::span<const FeatureList> samples,
                       float* sums) const {
  if constexpr (std::is_same_v<Weight, float>) {
    const bool together = samples.size() > 1 && inputs_ <= features_at_a_time &&
                          std::all_of(samples.begin(), samples.end(),
                                      [](const FeatureList& one) { return one.features == nullptr; });
    if (together) return run_together(weights, block, samples, sums);
  }
  for (std::size_t n = 0; n < samples.size(); ++n)
    std::fill_n(sums + n * padded_outputs() + block * block_, block_, 0.0F);
  for (std::int32_t first = 0; first < inputs_; first += features_at_a_time) {
    const std::int32_t last = std::min(inputs_, first + features_at_a_time);
    for (std::size_t n = 0; n < samples.size(); ++n) {
      const FeatureList& sample = samples[n];
      const std::int32_t* end = sample.features + sample.count;
      std::int32_t begin = first, stop = std::min(last, sample.count);
      const Weight* rows = weights;
      if (sample.features != nullptr) {
        begin = static_cast<std::int32_t>(std::lower_bound(sample.features, end, first) - sample.features);
        stop =
            static_cast<std::int32_t>(std::lower_bound(sample.features + begin, end, last) - sample.features);
      } else {
        rows += static_cast<std::size_t>(first) * block_;
      }
      if (stop <= begin) continue;
      kernels_.products<Weight>().rows(
          sample.x + begin, rows, sample.features != nullptr ? sample.features + begin : nullptr,
          stop - begin, product_columns, sums + n * padded_outputs() + block * block_);
    }
  }
}

}  // namespace deepmoe
