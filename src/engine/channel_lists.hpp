#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace deepmoe {

/// What a convolution reads of one sample: planes of height x width, of which only the listed channels hold
/// numbers.
struct SampleInput {
  const float* planes = nullptr;           ///< channel c at planes + c * height * width
  const std::int32_t* channels = nullptr;  ///< ascending; each channel c < count when null
  std::int32_t count = 0;
  const float* scales = nullptr;  ///< what to multiply each listed channel by (by place in the list), or null
};

/// Where its result goes: only the listed channels are computed.
struct SampleOutput {
  float* planes = nullptr;
  const std::int32_t* channels = nullptr;  ///< ascending; each channel c < count when null
  std::int32_t count = 0;
  const float* scales = nullptr;    ///< of the finish, by place in the list
  const float* offsets = nullptr;   ///< the same
  const float* residual = nullptr;  ///< planes to add before the activation, or null
};

/// Whether no sample leaves out any of so many channels.
inline bool everything_is_listed(std::span<const SampleInput> inputs, std::span<const SampleOutput> outputs,
                                 std::int32_t input_channels, std::int32_t output_channels) {
  return std::all_of(inputs.begin(), inputs.end(),
                     [&](const SampleInput& input) { return input.count == input_channels; }) &&
         std::all_of(outputs.begin(), outputs.end(),
                     [&](const SampleOutput& output) { return output.count == output_channels; });
}

/// Samples that use a kernel, of all `kernels`, in the mean.
inline double uses_of_kernels(std::span<const SampleInput> inputs, std::span<const SampleOutput> outputs,
                              double kernels) {
  double uses = 0;
  for (std::size_t n = 0; n < inputs.size(); ++n) uses += double(inputs[n].count) * outputs[n].count;
  return uses / kernels;
}

inline std::int32_t channel_at(const std::int32_t* channels, std::int32_t place) {
  return channels != nullptr ? channels[place] : place;
}

/// The places [begin, end) in an output's list of the channels `first .. last - 1`.
inline std::pair<std::int32_t, std::int32_t> places_of(const SampleOutput& output, std::int32_t first,
                                                       std::int32_t last) {
  if (output.channels == nullptr) return {first, std::min(last, output.count)};
  const std::int32_t* list_end = output.channels + output.count;
  const std::int32_t* begin = std::lower_bound(output.channels, list_end, first);
  const std::int32_t* end = std::lower_bound(begin, list_end, last);
  return {static_cast<std::int32_t>(begin - output.channels),
          static_cast<std::int32_t>(end - output.channels)};
}

/// How many of a list's channels, from a place on, follow each other without a gap.
inline std::int32_t following(const std::int32_t* channels, std::int32_t place, std::int32_t count) {
  if (channels == nullptr) return count - place;
  std::int32_t end = place + 1;
  while (end < count && channels[end] == channels[end - 1] + 1) ++end;
  return end - place;
}

/// For each boundary(0) <= boundary(1) <= ..., the first place in a list whose channel is not below it. One
/// walk along the list is less than a search for each, which no processor predicts.
template <class Boundary>
void find_places(const std::int32_t* channels, std::int32_t count, std::int32_t boundaries,
                 const Boundary& boundary, std::int32_t* places) {
  std::int32_t place = 0;
  for (std::int32_t i = 0; i < boundaries; ++i) {
    const std::int32_t first = boundary(i);
    if (channels == nullptr) place = std::min(first, count);
    while (place < count && channel_at(channels, place) < first) ++place;
    places[i] = place;
  }
}

}  // namespace deepmoe
