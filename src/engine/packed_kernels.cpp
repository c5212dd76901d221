#include "engine/packed_kernels.hpp"

#include <algorithm>
#include <vector>

#include "engine/bfloat16.hpp"
#include "engine/im2col.hpp"

namespace deepmoe {

template <class Weight>
PackedKernels<Weight>::PackedKernels(const Geometry& geometry, const float* weight, const float* constants)
    : inputs_(static_cast<std::size_t>(geometry.inputs)),
      outputs_(static_cast<std::size_t>(geometry.outputs)),
      channels_(inputs_ + (constants != nullptr ? 1 : 0)) {
  const std::vector<Im2col::Tap> taps = Im2col::useful_taps(geometry);
  const auto kernel = static_cast<std::size_t>(geometry.kernel);
  row_numbers_ = channels_ * taps.size();
  numbers_ = AlignedArray<Weight>(outputs_ * row_numbers_ + floats_of_line);
  std::fill_n(numbers_.data() + outputs_ * row_numbers_, floats_of_line, Weight{});
  for (std::size_t output = 0; output < outputs_; ++output) {
    Weight* row = numbers_.data() + output * row_numbers_;
    for (std::size_t tap = 0; tap < taps.size(); ++tap) {
      const auto [y, x] = taps[tap];
      const float* from = weight + output * inputs_ * kernel * kernel + static_cast<std::size_t>(y) * kernel +
                          static_cast<std::size_t>(x);
      double sum = 0;
      for (std::size_t input = 0; input < inputs_; ++input, from += kernel * kernel) {
        row[input * taps.size() + tap] = nearest<Weight>(*from);
        if (constants != nullptr) sum += double{constants[input]} * double{*from};
      }
      if (constants != nullptr) row[inputs_ * taps.size() + tap] = nearest<Weight>(static_cast<float>(sum));
    }
  }
}

template class PackedKernels<float>;
template class PackedKernels<BFloat16>;

}  // namespace deepmoe
