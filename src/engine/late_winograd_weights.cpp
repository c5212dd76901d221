#include "engine/late_winograd_weights.hpp"

#include <algorithm>

namespace deepmoe {
namespace {

void mark(const std::int32_t* channels, std::int32_t count, std::vector<char>& used) {
  if (channels == nullptr) {
    std::fill_n(used.begin(), count, char{1});
  } else {
    for (std::int32_t i = 0; i < count; ++i) used[static_cast<std::size_t>(channels[i])] = 1;
  }
}

std::vector<std::int32_t> listed(const std::vector<char>& used) {
  std::vector<std::int32_t> list;
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i] != 0) list.push_back(static_cast<std::int32_t>(i));
  }
  return list;
}

}  // namespace

template <class Weight>
KernelUses LateWinogradWeights<Weight>::uses_of(std::span<const TileItem> items,
                                                std::span<const SampleInput> inputs,
                                                std::span<const SampleOutput> outputs) const {
  std::vector<char> channels(weights_->channels()), computed(weights_->outputs());
  if (weights_->channels() > weights_->inputs()) channels.back() = 1;
  for (const TileItem& item : items) {
    for (std::int32_t s = item.sample; s < item.sample + item.samples; ++s) {
      const auto sample = static_cast<std::size_t>(s);
      mark(inputs[sample].channels, inputs[sample].count, channels);
      mark(outputs[sample].channels, outputs[sample].count, computed);
    }
  }
  return {listed(channels), listed(computed)};
}

template <class Weight>
void LateWinogradWeights<Weight>::transform(const KernelUses& uses, const WinogradBlock& block,
                                            Channels channels, float* memory) const {
  const auto first = std::lower_bound(uses.channels.begin(), uses.channels.end(), channels.first);
  const std::span used(first, std::lower_bound(first, uses.channels.end(), channels.last));
  const std::size_t row = row_floats(channels);
  // What is asked for some kilobytes early is there in time.
  const std::size_t bytes_of_row = used.size() * 9 * sizeof(Weight) + 1;
  const auto rows_ahead = static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(8192 / bytes_of_row, 1, 4));
  const auto end = uses.outputs.end();
  for (auto output = std::lower_bound(uses.outputs.begin(), end, block.first);
       output != end && *output < block.last; ++output) {
    const auto later = end - output > rows_ahead ? output + rows_ahead : output;
    kernels_.products<Weight>().transform_kernels(
        weights_->row(static_cast<std::size_t>(*output)), weights_->row(static_cast<std::size_t>(*later)),
        used.data(), static_cast<std::int32_t>(used.size()), channels.first,
        memory + static_cast<std::size_t>(*output - block.first) * row,
        static_cast<std::size_t>(block.last - block.first) * row);
  }
}

template class LateWinogradWeights<float>;
template class LateWinogradWeights<BFloat16>;

}  // namespace deepmoe
