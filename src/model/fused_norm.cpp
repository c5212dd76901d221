#include "model/fused_norm.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "model/channels_last_norm.hpp"
#include "model/norm_call.hpp"
#include "model/norm_threads.hpp"
#include "model/plane_kernels.hpp"
#include "model/pool_gradient.hpp"

namespace deepmoe {
namespace {

template <class E>
void run_forward(const NormForward& call) {
  using T = ComputedType<E>;
  const NormChain& chain = call.chain;
  const PlaneKernels<E>& kernels = plane_kernels<E>();
  const ForwardChannels<E> planes(call);
  const std::size_t samples = planes.samples, channels = planes.channels, pixels = planes.pixels;
  const E* const residual = data_of<E>(chain.residual);
  E* const out = data_of<E>(call.out);
  auto* const taps = data_of<std::uint8_t>(call.taps);
  const PlanePool pool = chain.pool ? plane_pool(*chain.pool, chain.input, call.out) : PlanePool{};

  in_norm_threads(channels, samples * pixels * channels, [&](std::size_t first, std::size_t last) {
    std::vector<double> means(samples), squares(samples);
    std::vector<T> scratch(chain.pool ? kernels.pool_scratch(pool) : 0, -std::numeric_limits<T>::infinity());
    for (std::size_t c = first; c < last; ++c) {
      if (chain.use_batch) {
        for (std::size_t n = 0; n < samples; ++n) {
          const E* const x = planes.x + planes.plane(n, c) * pixels;
          means[n] = kernels.sum(x, pixels) / static_cast<double>(pixels);
          const T center = static_cast<T>(means[n]);
          const double off = means[n] - static_cast<double>(center);
          squares[n] = kernels.square_sum(x, center, pixels) - static_cast<double>(pixels) * off * off;
        }
      }
      const std::pair<T, T> scale_and_shift = planes.scale_and_shift(c, means.data(), squares.data());
      // Backwards: the planes that were read last are the likeliest to be in the cache.
      for (std::size_t n = samples; n-- > 0;) {
        const PlaneLine<T> line = planes.line(n, c, scale_and_shift);
        const std::size_t plane = planes.plane(n, c), place = plane * pixels;
        if (chain.pool) {
          const std::size_t pooled = plane * pool.out_pixels();
          kernels.pool(planes.x + place, line, pool, scratch.data(), out + pooled, taps + pooled);
        } else {
          kernels.apply(planes.x + place, line, residual != nullptr ? residual + place : nullptr, chain.relu,
                        out + place, pixels);
        }
      }
    }
  });
}

template <class E>
void run_backward(const NormBackward& call) {
  using T = ComputedType<E>;
  const PlaneKernels<E>& kernels = plane_kernels<E>();
  const BackwardChannels<E> planes(call);
  const std::size_t samples = planes.samples, channels = planes.channels, pixels = planes.pixels;
  const E *const gradient = data_of<E>(call.gradient), *const output = data_of<E>(call.output);
  E *const of_input = data_of<E>(call.of_input), *const of_residual = data_of<E>(call.of_residual);
  const PlanePool pool = call.pool ? plane_pool(*call.pool, call.input, call.output) : PlanePool{};
  const PoolGradient<E> pooled(pool, gradient, output, data_of<std::uint8_t>(call.taps));
  // Once the residual's gradient is written, it is what went through the ReLU.
  const bool masked = of_residual != nullptr;

  in_norm_threads(channels, samples * pixels * channels, [&](std::size_t first, std::size_t last) {
    std::vector<PlaneSums> sums(samples);
    std::vector<PlaneSlope<T>> slopes(samples);
    std::vector<T> unpooled(call.pool ? pixels : 0);
    std::vector<E> scratch(call.pool ? pixels : 0);
    for (std::size_t c = first; c < last; ++c) {
      for (std::size_t n = 0; n < samples; ++n) {
        const std::size_t plane = planes.plane(n, c), place = plane * pixels;
        const E* const x = planes.x + place;
        const T center = planes.center(n, c);
        if (call.pool) {
          sums[n] = {};
          pooled.visit(plane, [&](std::size_t pixel, T d) {
            sums[n].gradient += static_cast<double>(d);
            sums[n].product += static_cast<double>(d) *
                               (static_cast<double>(widened(x[pixel])) - static_cast<double>(center));
          });
        } else {
          sums[n] = kernels.reduce(gradient + place, call.relu ? output + place : nullptr, x, center,
                                   masked ? of_residual + place : nullptr, pixels);
        }
      }
      planes.differentiate(c, sums.data(), slopes.data());
      if (of_input == nullptr) continue;
      for (std::size_t n = samples; n-- > 0;) {
        const std::size_t plane = planes.plane(n, c), place = plane * pixels;
        const E* const x = planes.x + place;
        if (call.pool) {
          std::fill(unpooled.begin(), unpooled.end(), T{0});
          pooled.visit(plane, [&](std::size_t pixel, T d) { unpooled[pixel] += d; });
          std::transform(unpooled.begin(), unpooled.end(), scratch.begin(), stored<E>);
          kernels.differentiate(scratch.data(), nullptr, x, slopes[n], of_input + place, pixels);
        } else {
          kernels.differentiate((masked ? of_residual : gradient) + place,
                                call.relu && !masked ? output + place : nullptr, x, slopes[n],
                                of_input + place, pixels);
        }
      }
    }
  });
}

at::MemoryFormat format_of(const at::Tensor& activations) {
  return activations.is_contiguous() ? at::MemoryFormat::Contiguous : at::MemoryFormat::ChannelsLast;
}

struct FusedNorm : torch::autograd::Function<FusedNorm> {
  using Optional = std::optional<at::Tensor>;

  // The tensors stand apart from the chain because autograd looks for them among the arguments.
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            const Optional& weight, const Optional& bias, const Optional& gates,
                            const Optional& residual, const NormChain& chain) {
    std::vector<std::int64_t> shape = input.sizes().vec();
    const at::MemoryFormat format = format_of(input);
    at::Tensor taps;
    if (chain.pool) {
      for (std::size_t axis : {2, 3}) {
        shape[axis] = (shape[axis] + 2 * chain.pool->padding - chain.pool->kernel) / chain.pool->stride + 1;
      }
      taps = at::empty(shape, at::TensorOptions().dtype(at::kByte).memory_format(format));
    }
    const at::Tensor out = at::empty(shape, at::TensorOptions().dtype(input.dtype()).memory_format(format));
    const bool keep_planes = chain.use_batch && chain.gate_first && gates;
    const NormStatistics statistics{
        at::empty({2, input.size(1)}, at::kDouble),
        keep_planes ? at::empty({2, input.size(1), input.size(0)}, at::kDouble) : at::Tensor()};
    const NormForward call{chain, out, taps, statistics};
    if (format == at::MemoryFormat::ChannelsLast) {
      channels_last_forward(call);
    } else {
      with_element_type(input, [&](auto element) { run_forward<decltype(element)>(call); });
    }
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
    const at::MemoryFormat format = format_of(saved[0]);
    NormBackward call{.gradient = gradients[0].contiguous(format),
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
    if (format == at::MemoryFormat::ChannelsLast) {
      channels_last_backward(call);
    } else {
      with_element_type(call.input, [&](auto element) { run_backward<decltype(element)>(call); });
    }
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
