#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "engine/aligned_buffer.hpp"
#include "engine/kernels.hpp"
#include "engine/team.hpp"
#include "engine/weight_precision.hpp"

namespace deepmoe {

/// What a linear layer reads of one sample: the listed features, packed.
struct FeatureList {
  const float* x = nullptr;
  const std::int32_t* features = nullptr;  ///< ascending; each feature f < count when null
  std::int32_t count = 0;
};

/// A matrix product whose packed weights are left out feature by feature. Immutable.
class LinearKernel {
 public:
  /// `weight` is (outputs, inputs).
  LinearKernel(const Kernels& kernels, std::int32_t inputs, std::int32_t outputs, const float* weight,
               WeightPrecision precision);

  std::size_t weight_bytes() const {
    return std::visit([](const auto& weights) { return weights.bytes(); }, weights_);
  }
  /// Outputs rounded up to whole blocks: the distance of two samples' sums.
  std::size_t padded_outputs() const { return blocks_ * block_; }

  /// sums[n][o] = sum over the listed features of x * weight, (samples, padded_outputs()).
  void run(std::span<const FeatureList> samples, float* sums, const Team& team) const;

 private:
  template <class Weight>
  AlignedArray<Weight> packed(std::size_t outputs, const float* weight) const;
  template <class Weight>
  void run(const Weight* weights, std::size_t block, std::span<const FeatureList> samples, float* sums) const;

  void run_together(const float* weights, std::size_t block, std::span<const FeatureList> samples,
                    float* sums) const;

  const Kernels& kernels_;
  std::int32_t inputs_;
  std::size_t block_, blocks_;
  std::variant<AlignedArray<float>, AlignedArray<BFloat16>> weights_;  // (block, input, outputs of it)
};

}  // namespace deepmoe
