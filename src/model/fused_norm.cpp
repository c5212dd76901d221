#include "model/fused_norm.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/handover.hpp"
#include "model/plane_kernels.hpp"
#include "model/pool_gradient.hpp"

#ifndef INTRA_OP_PARALLEL
#error "Compile this file with OpenMP: without it at::parallel_for runs in one thread"
#endif

namespace deepmoe {
namespace {

// Each plane (sample n, channel c) of the input is scaled and shifted, which is all that gate and norm do to
// it. With x the input, a the gate before and b the gate behind the norm (1 where there is none), m and s the
// mean and the inverse deviation of u = a x over the channel:
//   out = relu(b (weight (u - m) s + bias) + residual)

template <class T>
T* data_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return nullptr;
  if constexpr (std::is_same_v<T, Bfloat16>) {
    return reinterpret_cast<T*>(const_cast<at::BFloat16*>(tensor.const_data_ptr<at::BFloat16>()));
  } else {
    return const_cast<T*>(tensor.const_data_ptr<T>());
  }
}

/// The tensors of one call as plain memory: activations of type E, and the rest in the type that they are
/// computed with.
template <class E>
struct Planes {
  using T = ComputedType<E>;
  explicit Planes(const at::Tensor& input)
      : samples(static_cast<std::size_t>(input.size(0))),
        channels(static_cast<std::size_t>(input.size(1))),
        pixels(static_cast<std::size_t>(input.size(2) * input.size(3))),
        x(data_of<E>(input)) {}

  std::size_t samples, channels, pixels;
  const E* x;
  const T *weight = nullptr, *bias = nullptr, *gates = nullptr;
  bool gate_first = false;

  double count() const { return static_cast<double>(samples * pixels); }
  std::size_t plane(std::size_t n, std::size_t c) const { return n * channels + c; }
  const E* input(std::size_t n, std::size_t c) const { return x + plane(n, c) * pixels; }
  double weight_of(std::size_t c) const { return weight != nullptr ? static_cast<double>(weight[c]) : 1.0; }
  double bias_of(std::size_t c) const { return bias != nullptr ? static_cast<double>(bias[c]) : 0.0; }
  double gate_before(std::size_t n, std::size_t c) const { return gate(n, c, true); }
  double gate_behind(std::size_t n, std::size_t c) const { return gate(n, c, false); }

 private:
  double gate(std::size_t n, std::size_t c, bool before) const {
    return gates != nullptr && gate_first == before ? static_cast<double>(gates[plane(n, c)]) : 1.0;
  }
};

/// What the backward pass needs of the statistics, in double: mean and inverse deviation (2, C), and with a
/// gate before the norm also mean and sum of squared differences of each plane of x (2, C, N).
struct Statistics {
  at::Tensor channels, planes;
};

PlanePool plane_pool(const MaxPool& pool, const at::Tensor& input, const at::Tensor& output) {
  const auto number = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  return {number(input.size(2)), number(input.size(3)), number(output.size(2)), number(output.size(3)),
          number(pool.kernel),   number(pool.stride),   number(pool.padding)};
}

Handover to_threads, from_threads;

/// Runs `work(first, last)` over stretches of channels, in as many threads as LibTorch's operations.
template <class Work>
void over_channels(std::size_t channels, std::size_t numbers, const Work& work) {
  constexpr std::size_t worth_a_thread = 32768;
  const std::size_t each = std::max<std::size_t>(1, numbers / channels);
  const auto grain = static_cast<std::int64_t>(std::max<std::size_t>(1, worth_a_thread / each));
  const auto stretch = [&](std::int64_t first, std::int64_t last) {
    to_threads.take();
    work(static_cast<std::size_t>(first), static_cast<std::size_t>(last));
    from_threads.give();
  };
  to_threads.give();
  at::parallel_for(0, static_cast<std::int64_t>(channels), grain, stretch);
  from_threads.take();
}

template <class E>
void run_forward(const NormChain& chain, at::Tensor& out, at::Tensor& taps, Statistics& statistics) {
  using T = ComputedType<E>;
  const PlaneKernels<E>& kernels = plane_kernels<E>();
  Planes<E> planes(chain.input);
  planes.weight = chain.weight ? data_of<T>(*chain.weight) : nullptr;
  planes.bias = chain.bias ? data_of<T>(*chain.bias) : nullptr;
  planes.gates = data_of<T>(chain.gates);
  planes.gate_first = chain.gate_first;
  const std::size_t samples = planes.samples, channels = planes.channels, pixels = planes.pixels;
  const E* const residual = data_of<E>(chain.residual);
  T* const running_mean = data_of<T>(chain.running_mean);
  T* const running_var = data_of<T>(chain.running_var);
  E* const output = data_of<E>(out);
  auto* const chosen = data_of<std::uint8_t>(taps);
  double* const kept_channels = data_of<double>(statistics.channels);
  double* const kept_planes = data_of<double>(statistics.planes);
  const PlanePool pool = chain.pool ? plane_pool(*chain.pool, chain.input, out) : PlanePool{};

  over_channels(channels, samples * pixels * channels, [&](std::size_t first, std::size_t last) {
    std::vector<double> means(samples), squares(samples);
    std::vector<T> scratch(chain.pool ? kernels.pool_scratch(pool) : 0, -std::numeric_limits<T>::infinity());
    for (std::size_t c = first; c < last; ++c) {
      double mean = static_cast<double>(running_mean[c]), variance = static_cast<double>(running_var[c]);
      if (chain.use_batch) {
        mean = variance = 0.0;
        for (std::size_t n = 0; n < samples; ++n) {
          means[n] = kernels.sum(planes.input(n, c), pixels) / static_cast<double>(pixels);
          const T center = static_cast<T>(means[n]);
          const double off = means[n] - static_cast<double>(center);
          squares[n] = kernels.square_sum(planes.input(n, c), center, pixels) -
                       static_cast<double>(pixels) * off * off;
          mean += planes.gate_before(n, c) * means[n] / static_cast<double>(samples);
        }
        for (std::size_t n = 0; n < samples; ++n) {
          const double gate = planes.gate_before(n, c), away = gate * means[n] - mean;
          variance += (gate * gate * squares[n] + static_cast<double>(pixels) * away * away) / planes.count();
        }
        const double unbiased = variance * planes.count() / (planes.count() - 1.0);
        const auto mixed = [&](T old, double value) {
          return static_cast<T>(chain.momentum * value + (1.0 - chain.momentum) * static_cast<double>(old));
        };
        running_mean[c] = mixed(running_mean[c], mean);
        running_var[c] = mixed(running_var[c], unbiased);
        if (kept_planes != nullptr) {
          std::copy(means.begin(), means.end(), kept_planes + c * samples);
          std::copy(squares.begin(), squares.end(), kept_planes + (channels + c) * samples);
        }
      }
      const double inverse = 1.0 / std::sqrt(variance + chain.epsilon);
      kept_channels[c] = mean;
      kept_channels[channels + c] = inverse;

      // In the type of the parameters, as LibTorch does it: networks with few samples multiply rounding
      // errors.
      const T scale = static_cast<T>(inverse) * static_cast<T>(planes.weight_of(c));
      const T shift = static_cast<T>(planes.bias_of(c)) - static_cast<T>(mean) * scale;
      // Backwards: the planes that were read last are the likeliest to be in the cache.
      for (std::size_t n = samples; n-- > 0;) {
        const PlaneLine<T> line{static_cast<T>(planes.gate_before(n, c)), scale, shift,
                                static_cast<T>(planes.gate_behind(n, c))};
        const std::size_t plane = planes.plane(n, c);
        if (chain.pool) {
          const std::size_t place = plane * pool.out_pixels();
          kernels.pool(planes.input(n, c), line, pool, scratch.data(), output + place, chosen + place);
        } else {
          kernels.apply(planes.input(n, c), line, residual != nullptr ? residual + plane * pixels : nullptr,
                        chain.relu, output + plane * pixels, pixels);
        }
      }
    }
  });
}

/// The tensors that the backward pass reads and fills; undefined ones are not wanted.
struct Backward {
  at::Tensor gradient, input, output, taps, weight, bias, gates;
  Statistics statistics;
  std::optional<MaxPool> pool;
  bool gate_first, use_batch, relu;
  at::Tensor of_input, of_weight, of_bias, of_gates, of_residual;
};

template <class E>
void run_backward(const Backward& call) {
  using T = ComputedType<E>;
  const PlaneKernels<E>& kernels = plane_kernels<E>();
  Planes<E> planes(call.input);
  planes.weight = data_of<T>(call.weight);
  planes.bias = data_of<T>(call.bias);
  planes.gates = data_of<T>(call.gates);
  planes.gate_first = call.gate_first;
  const std::size_t samples = planes.samples, channels = planes.channels, pixels = planes.pixels;
  const E* const gradient = data_of<E>(call.gradient);
  const E* const output = data_of<E>(call.output);
  const double* const channel_statistics = data_of<double>(call.statistics.channels);
  const double* const plane_means = data_of<double>(call.statistics.planes);
  const double* const plane_squares = plane_means != nullptr ? plane_means + channels * samples : nullptr;
  E *const of_input = data_of<E>(call.of_input), *const of_residual = data_of<E>(call.of_residual);
  T *const of_weight = data_of<T>(call.of_weight), *const of_bias = data_of<T>(call.of_bias),
           *const of_gates = data_of<T>(call.of_gates);
  const PlanePool pool = call.pool ? plane_pool(*call.pool, call.input, call.output) : PlanePool{};
  const PoolGradient<E> pooled(pool, gradient, output, data_of<std::uint8_t>(call.taps));
  // Once the residual's gradient is written, it is what went through the ReLU.
  const bool masked = of_residual != nullptr;

  over_channels(channels, samples * pixels * channels, [&](std::size_t first, std::size_t last) {
    std::vector<PlaneSums> sums(samples);
    std::vector<T> unpooled(call.pool ? pixels : 0);
    std::vector<E> scratch(call.pool ? pixels : 0);
    for (std::size_t c = first; c < last; ++c) {
      const double mean = channel_statistics[c], inverse = channel_statistics[channels + c];
      // About their own mean, planes give the exact gradient of a gate before the norm.
      const auto center = [&](std::size_t n) {
        return static_cast<T>(plane_means != nullptr ? plane_means[c * samples + n] : mean);
      };
      double bias_sum = 0.0, weight_sum = 0.0;  // of b d, and of b d (u - m)
      for (std::size_t n = 0; n < samples; ++n) {
        const std::size_t plane = planes.plane(n, c), place = plane * pixels;
        const E* const x = planes.input(n, c);
        if (call.pool) {
          sums[n] = {};
          const double middle = static_cast<double>(center(n));
          pooled.visit(plane, [&](std::size_t pixel, T d) {
            sums[n].gradient += static_cast<double>(d);
            sums[n].product += static_cast<double>(d) * (static_cast<double>(widened(x[pixel])) - middle);
          });
        } else {
          sums[n] = kernels.reduce(gradient + place, call.relu ? output + place : nullptr, x, center(n),
                                   masked ? of_residual + place : nullptr, pixels);
        }
        const double before = planes.gate_before(n, c), behind = planes.gate_behind(n, c);
        const double away = before * static_cast<double>(center(n)) - mean;
        bias_sum += behind * sums[n].gradient;
        weight_sum += behind * (before * sums[n].product + away * sums[n].gradient);
      }
      if (of_bias != nullptr) of_bias[c] = static_cast<T>(bias_sum);
      if (of_weight != nullptr) of_weight[c] = static_cast<T>(weight_sum * inverse);

      const double slope = planes.weight_of(c) * inverse;
      // What batch statistics take back: a constant, and a multiple of u - m.
      const double constant = call.use_batch ? bias_sum / planes.count() : 0.0;
      const double multiple = call.use_batch ? weight_sum * inverse * inverse / planes.count() : 0.0;
      for (std::size_t n = samples; n-- > 0;) {
        const std::size_t plane = planes.plane(n, c), place = plane * pixels;
        const double before = planes.gate_before(n, c), behind = planes.gate_behind(n, c);
        const double middle = static_cast<double>(center(n)), away = before * middle - mean;
        if (of_gates != nullptr && !call.gate_first) {
          of_gates[plane] = static_cast<T>(slope * (sums[n].product + away * sums[n].gradient) +
                                           planes.bias_of(c) * sums[n].gradient);
        } else if (of_gates != nullptr) {
          double of_gate = sums[n].product + middle * sums[n].gradient;
          if (call.use_batch) {
            const double plane_mean = plane_means[c * samples + n];
            const double area = static_cast<double>(pixels);
            of_gate -=
                constant * area * plane_mean + multiple * (before * plane_squares[c * samples + n] +
                                                           area * plane_mean * (before * plane_mean - mean));
          }
          of_gates[plane] = static_cast<T>(slope * of_gate);
        }
        if (of_input == nullptr) continue;
        const double steep = before * slope;
        const PlaneSlope<T> plane_slope{static_cast<T>(steep * behind),
                                        static_cast<T>(-steep * multiple * before), center(n),
                                        static_cast<T>(-steep * (constant + multiple * away))};
        const E* const x = planes.input(n, c);
        if (call.pool) {
          std::fill(unpooled.begin(), unpooled.end(), T{0});
          pooled.visit(plane, [&](std::size_t pixel, T d) { unpooled[pixel] += d; });
          std::transform(unpooled.begin(), unpooled.end(), scratch.begin(), stored<E>);
          kernels.differentiate(scratch.data(), nullptr, x, plane_slope, of_input + place, pixels);
        } else {
          kernels.differentiate((masked ? of_residual : gradient) + place,
                                call.relu && !masked ? output + place : nullptr, x, plane_slope,
                                of_input + place, pixels);
        }
      }
    }
  });
}

/// Calls `work` with a number of the type that the activations have.
template <class Work>
void with_element_type(const at::Tensor& activations, const Work& work) {
  switch (activations.scalar_type()) {
    case at::kFloat:
      return work(float{});
    case at::kBFloat16:
      return work(Bfloat16{});
    default:
      return work(double{});
  }
}

struct FusedNorm : torch::autograd::Function<FusedNorm> {
  using Optional = std::optional<at::Tensor>;

  // The tensors stand apart from the chain because autograd looks for them among the arguments.
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            const Optional& weight, const Optional& bias, const Optional& gates,
                            const Optional& residual, const NormChain& chain) {
    std::vector<std::int64_t> shape = input.sizes().vec();
    at::Tensor taps;
    if (chain.pool) {
      for (std::size_t axis : {2, 3}) {
        shape[axis] = (shape[axis] + 2 * chain.pool->padding - chain.pool->kernel) / chain.pool->stride + 1;
      }
      taps = at::empty(shape, at::kByte);
    }
    at::Tensor out = at::empty(shape, at::TensorOptions().dtype(input.dtype()));
    const bool keep_planes = chain.use_batch && chain.gate_first && gates;
    Statistics statistics{
        at::empty({2, input.size(1)}, at::kDouble),
        keep_planes ? at::empty({2, input.size(1), input.size(0)}, at::kDouble) : at::Tensor()};
    with_element_type(input,
                      [&](auto element) { run_forward<decltype(element)>(chain, out, taps, statistics); });
    const auto wanted = [](const Optional& tensor) { return tensor && tensor->requires_grad(); };
    context->saved_data["wanted"] = std::vector<bool>{input.requires_grad(), wanted(weight), wanted(bias),
                                                      wanted(gates), wanted(residual)};
    context->saved_data["switches"] = std::vector<bool>{chain.gate_first, chain.use_batch, chain.relu};
    if (chain.pool) {
      context->saved_data["pool"] =
          std::vector<std::int64_t>{chain.pool->kernel, chain.pool->stride, chain.pool->padding};
    }
    context->save_for_backward({input, chain.relu ? out : at::Tensor(), taps, weight.value_or(at::Tensor()),
                                bias.value_or(at::Tensor()), gates.value_or(at::Tensor()),
                                statistics.channels, statistics.planes});
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const auto wanted = context->saved_data["wanted"].toBoolList();
    const auto switches = context->saved_data["switches"].toBoolList();
    Backward call{.gradient = gradients[0].contiguous(),
                  .input = saved[0],
                  .output = saved[1],
                  .taps = saved[2],
                  .weight = saved[3],
                  .bias = saved[4],
                  .gates = saved[5],
                  .statistics = {saved[6], saved[7]},
                  .pool = {},
                  .gate_first = switches[0],
                  .use_batch = switches[1],
                  .relu = switches[2],
                  .of_input = {},
                  .of_weight = {},
                  .of_bias = {},
                  .of_gates = {},
                  .of_residual = {}};
    if (call.taps.defined()) {
      const auto pool = context->saved_data["pool"].toIntVector();
      call.pool = MaxPool{.kernel = pool[0], .stride = pool[1], .padding = pool[2]};
    }
    const auto space = [](bool is_wanted, const at::Tensor& like) {
      return is_wanted ? at::empty_like(like, at::TensorOptions().requires_grad(false)) : at::Tensor();
    };
    call.of_input = space(wanted[0], call.input);
    call.of_weight = space(wanted[1], call.weight);
    call.of_bias = space(wanted[2], call.bias);
    call.of_gates = space(wanted[3], call.gates);
    // Without a ReLU in between, the residual has the output's gradient as it is.
    if (call.relu) call.of_residual = space(wanted[4], call.gradient);
    with_element_type(call.input, [&](auto element) { run_backward<decltype(element)>(call); });
    const at::Tensor of_residual = wanted[4] && !call.relu ? call.gradient : call.of_residual;
    return {call.of_input, call.of_weight, call.of_bias, call.of_gates, of_residual, at::Tensor()};
  }
};

}  // namespace

at::Tensor fused_norm(const NormChain& chain) {
  const auto optional = [](const at::Tensor& tensor) {
    return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
  };
  return FusedNorm::apply(chain.input, chain.weight, chain.bias, optional(chain.gates),
                          optional(chain.residual), chain);
}

}  // namespace deepmoe
