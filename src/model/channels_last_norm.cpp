#include "model/channels_last_norm.hpp"

#include <vector>

#include "model/channel_kernels.hpp"
#include "model/norm_threads.hpp"

namespace deepmoe {
namespace {

/// Runs `work(sample, channel)` for the first of every channels_at_once channels of every sample. Calls with
/// the same planes give the same ones to the same threads, the second time in the opposite order: what was
/// read last is the likeliest to be in the cache.
template <class E, class Work>
void over_groups(const Planes<E>& planes, bool backwards, const Work& work) {
  const std::size_t groups = planes.channels / channels_at_once, parts = planes.samples * groups;
  in_norm_threads(parts, planes.samples * planes.channels * planes.pixels,
                  [&](std::size_t first, std::size_t last) {
                    for (std::size_t i = first; i < last; ++i) {
                      const std::size_t part = backwards ? last - 1 - (i - first) : i;
                      work(part / groups, part % groups * channels_at_once);
                    }
                  });
}

template <class E>
void run_forward(const NormForward& call) {
  using T = ComputedType<E>;
  const NormChain& chain = call.chain;
  const ChannelKernels<E>& kernels = channel_kernels<E>();
  const ForwardChannels<E> planes(call);
  const std::size_t samples = planes.samples, channels = planes.channels;
  const PixelRange pixels{planes.pixels, channels};
  const auto start = [&](std::size_t n, std::size_t c) { return n * planes.pixels * channels + c; };

  std::vector<double> means(channels * samples), squares(channels * samples);
  if (chain.use_batch) {
    over_groups(planes, false, [&](std::size_t n, std::size_t c) {
      double sums[channels_at_once];
      T centers[channels_at_once];
      const E* const x = planes.x + start(n, c);
      kernels.sum(x, pixels, sums);
      for (std::size_t i = 0; i < channels_at_once; ++i) {
        sums[i] /= static_cast<double>(pixels.count);
        centers[i] = static_cast<T>(sums[i]);
        means[(c + i) * samples + n] = sums[i];
      }
      double about_centers[channels_at_once];
      kernels.square_sum(x, centers, pixels, about_centers);
      for (std::size_t i = 0; i < channels_at_once; ++i) {
        const double off = sums[i] - static_cast<double>(centers[i]);
        squares[(c + i) * samples + n] = about_centers[i] - static_cast<double>(pixels.count) * off * off;
      }
    });
  }
  std::vector<std::pair<T, T>> scales(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    scales[c] = planes.scale_and_shift(c, &means[c * samples], &squares[c * samples]);
  }

  const E* const residual = data_of<E>(chain.residual);
  E* const out = data_of<E>(call.out);
  auto* const taps = data_of<std::uint8_t>(call.taps);
  const PlanePool pool = chain.pool ? plane_pool(*chain.pool, chain.input, call.out) : PlanePool{};
  over_groups(planes, true, [&](std::size_t n, std::size_t c) {
    ChannelLines<T> lines;
    for (std::size_t i = 0; i < channels_at_once; ++i) {
      const PlaneLine<T> line = planes.line(n, c + i, scales[c + i]);
      lines.before[i] = line.before;
      lines.scale[i] = line.scale;
      lines.shift[i] = line.shift;
      lines.behind[i] = line.behind;
    }
    const std::size_t place = start(n, c);
    if (chain.pool) {
      const std::size_t pooled = n * pool.out_pixels() * channels + c;
      kernels.pool(planes.x + place, lines, pool, channels, out + pooled, taps + pooled);
    } else {
      kernels.apply(planes.x + place, lines, residual != nullptr ? residual + place : nullptr, chain.relu,
                    out + place, pixels);
    }
  });
}

template <class E>
void run_backward(const NormBackward& call) {
  using T = ComputedType<E>;
  const ChannelKernels<E>& kernels = channel_kernels<E>();
  const BackwardChannels<E> planes(call);
  const std::size_t samples = planes.samples, channels = planes.channels;
  const PixelRange pixels{planes.pixels, channels};
  const E *const gradient = data_of<E>(call.gradient), *const output = data_of<E>(call.output);
  E *const of_input = data_of<E>(call.of_input), *const of_residual = data_of<E>(call.of_residual);
  const auto* const taps = data_of<std::uint8_t>(call.taps);
  const PlanePool pool = call.pool ? plane_pool(*call.pool, call.input, call.output) : PlanePool{};
  const bool masked = of_residual != nullptr;
  const auto start = [&](std::size_t n, std::size_t c) { return n * planes.pixels * channels + c; };
  const auto pooled = [&](std::size_t n, std::size_t c) { return n * pool.out_pixels() * channels + c; };

  std::vector<PlaneSums> sums(channels * samples);
  over_groups(planes, false, [&](std::size_t n, std::size_t c) {
    T centers[channels_at_once];
    for (std::size_t i = 0; i < channels_at_once; ++i) centers[i] = planes.center(n, c + i);
    ChannelSums group;
    const std::size_t place = start(n, c);
    if (call.pool) {
      const std::size_t out = pooled(n, c);
      kernels.reduce_pool(gradient + out, output + out, taps + out, pool, planes.x + place, centers,
                          of_input != nullptr ? of_input + place : nullptr, channels, group);
    } else {
      kernels.reduce(gradient + place, call.relu ? output + place : nullptr, planes.x + place, centers,
                     masked ? of_residual + place : nullptr, pixels, group);
    }
    for (std::size_t i = 0; i < channels_at_once; ++i) {
      sums[(c + i) * samples + n] = {group.gradient[i], group.product[i]};
    }
  });
  std::vector<PlaneSlope<T>> slopes(channels * samples);
  for (std::size_t c = 0; c < channels; ++c) {
    planes.differentiate(c, &sums[c * samples], &slopes[c * samples]);
  }

  if (of_input == nullptr) return;
  // What the sums have written already is what went through maximum and ReLU.
  const E* const let_through = call.pool ? of_input : masked ? of_residual : gradient;
  const E* const output_of_relu = call.relu && let_through == gradient ? output : nullptr;
  over_groups(planes, true, [&](std::size_t n, std::size_t c) {
    ChannelSlopes<T> group;
    for (std::size_t i = 0; i < channels_at_once; ++i) {
      const PlaneSlope<T>& slope = slopes[(c + i) * samples + n];
      group.gradient[i] = slope.gradient;
      group.input[i] = slope.input;
      group.center[i] = slope.center;
      group.constant[i] = slope.constant;
    }
    const std::size_t place = start(n, c);
    kernels.differentiate(let_through + place, output_of_relu != nullptr ? output_of_relu + place : nullptr,
                          planes.x + place, group, of_input + place, pixels);
  });
}

}  // namespace

bool has_channels_last_norm(std::int64_t channels) {
  return channels % static_cast<std::int64_t>(channels_at_once) == 0;
}

void channels_last_forward(const NormForward& call) {
  with_element_type(call.chain.input, [&](auto element) { run_forward<decltype(element)>(call); });
}

void channels_last_backward(const NormBackward& call) {
  with_element_type(call.input, [&](auto element) { run_backward<decltype(element)>(call); });
}

}  // namespace deepmoe
