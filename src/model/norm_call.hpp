#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "model/norm_chain.hpp"
#include "model/plane_kernels.hpp"

// What fused_norm computes with, whatever the order in memory. Each plane (sample n, channel c) of the input
// is scaled and shifted, which is all that gate and norm do to it. With x the input, a the gate before and b
// the gate behind the norm (1 where there is none), m and s the mean and the inverse deviation of u = a x
// over the channel:
//   out = relu(b (weight (u - m) s + bias) + residual)

namespace deepmoe {

template <class T>
T* data_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return nullptr;
  if constexpr (std::is_same_v<T, Bfloat16>) {
    return reinterpret_cast<T*>(const_cast<at::BFloat16*>(tensor.const_data_ptr<at::BFloat16>()));
  } else {
    return const_cast<T*>(tensor.const_data_ptr<T>());
  }
}

/// What the backward pass needs of the statistics, in double: mean and inverse deviation (2, C), and with a
/// gate before the norm also mean and sum of squared differences of each plane of x (2, C, N).
struct NormStatistics {
  at::Tensor channels, planes;
};

/// The tensors that the forward pass reads and fills; undefined ones are not wanted.
struct NormForward {
  const NormChain& chain;
  at::Tensor out, taps;
  NormStatistics statistics;
};

/// The tensors that the backward pass reads and fills; undefined ones are not wanted.
struct NormBackward {
  at::Tensor gradient, input, output, taps, weight, bias, gates;
  NormStatistics statistics;
  std::optional<MaxPool> pool;
  bool gate_first, use_batch, relu;
  at::Tensor of_input, of_weight, of_bias, of_gates, of_residual;
};

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

inline PlanePool plane_pool(const MaxPool& pool, const at::Tensor& input, const at::Tensor& output) {
  const auto number = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  return {number(input.size(2)), number(input.size(3)), number(output.size(2)), number(output.size(3)),
          number(pool.kernel),   number(pool.stride),   number(pool.padding)};
}

/// The tensors of one call as plain memory: activations of type E, and the rest in the type that they are
/// computed with.
template <class E>
struct Planes {
  using T = ComputedType<E>;
  Planes(const at::Tensor& input, const at::Tensor& channel_weight, const at::Tensor& channel_bias,
         const at::Tensor& plane_gates, bool gates_first)
      : samples(static_cast<std::size_t>(input.size(0))),
        channels(static_cast<std::size_t>(input.size(1))),
        pixels(static_cast<std::size_t>(input.size(2) * input.size(3))),
        x(data_of<E>(input)),
        weight(data_of<T>(channel_weight)),
        bias(data_of<T>(channel_bias)),
        gates(data_of<T>(plane_gates)),
        gate_first(gates_first) {}

  std::size_t samples, channels, pixels;
  const E* x;
  const T *weight, *bias, *gates;
  bool gate_first;

  double count() const { return static_cast<double>(samples * pixels); }
  /// The plane's position, and that of its gate.
  std::size_t plane(std::size_t n, std::size_t c) const { return n * channels + c; }
  double weight_of(std::size_t c) const { return weight != nullptr ? static_cast<double>(weight[c]) : 1.0; }
  double bias_of(std::size_t c) const { return bias != nullptr ? static_cast<double>(bias[c]) : 0.0; }
  double gate_before(std::size_t n, std::size_t c) const { return gate(n, c, true); }
  double gate_behind(std::size_t n, std::size_t c) const { return gate(n, c, false); }

 private:
  double gate(std::size_t n, std::size_t c, bool before) const {
    return gates != nullptr && gate_first == before ? static_cast<double>(gates[plane(n, c)]) : 1.0;
  }
};

/// The arithmetic of the forward pass that is done once for a channel.
template <class E>
class ForwardChannels : public Planes<E> {
 public:
  using T = ComputedType<E>;
  using Planes<E>::samples, Planes<E>::channels, Planes<E>::pixels, Planes<E>::count, Planes<E>::plane;
  using Planes<E>::weight_of, Planes<E>::bias_of, Planes<E>::gate_before, Planes<E>::gate_behind;

  explicit ForwardChannels(const NormForward& call)
      : Planes<E>(call.chain.input, call.chain.weight.value_or(at::Tensor()),
                  call.chain.bias.value_or(at::Tensor()), call.chain.gates, call.chain.gate_first),
        chain_(call.chain),
        running_mean_(data_of<T>(call.chain.running_mean)),
        running_var_(data_of<T>(call.chain.running_var)),
        kept_channels_(data_of<double>(call.statistics.channels)),
        kept_planes_(data_of<double>(call.statistics.planes)) {}

  /// (u - m) s weight + bias as u scale + shift. Of batch statistics, which this keeps and lets the running
  /// ones follow, `means` and `squares` have each sample's: of x, and of the squared differences to `means`.
  std::pair<T, T> scale_and_shift(std::size_t c, const double* means, const double* squares) const {
    double mean = static_cast<double>(running_mean_[c]), variance = static_cast<double>(running_var_[c]);
    if (chain_.use_batch) {
      const double area = static_cast<double>(pixels);
      mean = variance = 0.0;
      for (std::size_t n = 0; n < samples; ++n) {
        mean += gate_before(n, c) * means[n] / static_cast<double>(samples);
      }
      for (std::size_t n = 0; n < samples; ++n) {
        const double gate = gate_before(n, c), away = gate * means[n] - mean;
        variance += (gate * gate * squares[n] + area * away * away) / count();
      }
      const double unbiased = variance * count() / (count() - 1.0);
      const auto mixed = [&](T old, double value) {
        return static_cast<T>(chain_.momentum * value + (1.0 - chain_.momentum) * static_cast<double>(old));
      };
      running_mean_[c] = mixed(running_mean_[c], mean);
      running_var_[c] = mixed(running_var_[c], unbiased);
      if (kept_planes_ != nullptr) {
        std::copy(means, means + samples, kept_planes_ + c * samples);
        std::copy(squares, squares + samples, kept_planes_ + (channels + c) * samples);
      }
    }
    const double inverse = 1.0 / std::sqrt(variance + chain_.epsilon);
    kept_channels_[c] = mean;
    kept_channels_[channels + c] = inverse;

    // In the type of the parameters, as LibTorch does it: networks with few samples multiply rounding
    // errors.
    const T scale = static_cast<T>(inverse) * static_cast<T>(weight_of(c));
    return {scale, static_cast<T>(bias_of(c)) - static_cast<T>(mean) * scale};
  }

  PlaneLine<T> line(std::size_t n, std::size_t c, const std::pair<T, T>& scale_and_shift) const {
    return {static_cast<T>(gate_before(n, c)), scale_and_shift.first, scale_and_shift.second,
            static_cast<T>(gate_behind(n, c))};
  }

 private:
  const NormChain& chain_;
  T *running_mean_, *running_var_;
  double *kept_channels_, *kept_planes_;
};

/// The arithmetic of the backward pass that is done once for a channel.
template <class E>
class BackwardChannels : public Planes<E> {
 public:
  using T = ComputedType<E>;
  using Planes<E>::samples, Planes<E>::channels, Planes<E>::pixels, Planes<E>::count, Planes<E>::plane;
  using Planes<E>::weight_of, Planes<E>::bias_of, Planes<E>::gate_before, Planes<E>::gate_behind;

  explicit BackwardChannels(const NormBackward& call)
      : Planes<E>(call.input, call.weight, call.bias, call.gates, call.gate_first),
        use_batch_(call.use_batch),
        channel_statistics_(data_of<double>(call.statistics.channels)),
        plane_means_(data_of<double>(call.statistics.planes)),
        of_weight_(data_of<T>(call.of_weight)),
        of_bias_(data_of<T>(call.of_bias)),
        of_gates_(data_of<T>(call.of_gates)) {}

  /// What sums over a plane are taken about. About their own mean, planes give the exact gradient of a gate
  /// before the norm.
  T center(std::size_t n, std::size_t c) const {
    return static_cast<T>(plane_means_ != nullptr ? plane_means_[c * samples + n] : channel_statistics_[c]);
  }

  /// The gradients of the channel's weight, bias and gates from each sample's sums, and `slopes` for each
  /// sample.
  void differentiate(std::size_t c, const PlaneSums* sums, PlaneSlope<T>* slopes) const {
    const double mean = channel_statistics_[c], inverse = channel_statistics_[channels + c];
    double bias_sum = 0.0, weight_sum = 0.0;  // of b d, and of b d (u - m)
    for (std::size_t n = 0; n < samples; ++n) {
      const double before = gate_before(n, c), behind = gate_behind(n, c);
      const double away = before * static_cast<double>(center(n, c)) - mean;
      bias_sum += behind * sums[n].gradient;
      weight_sum += behind * (before * sums[n].product + away * sums[n].gradient);
    }
    if (of_bias_ != nullptr) of_bias_[c] = static_cast<T>(bias_sum);
    if (of_weight_ != nullptr) of_weight_[c] = static_cast<T>(weight_sum * inverse);

    const double slope = weight_of(c) * inverse;
    // What batch statistics take back: a constant, and a multiple of u - m.
    const double constant = use_batch_ ? bias_sum / count() : 0.0;
    const double multiple = use_batch_ ? weight_sum * inverse * inverse / count() : 0.0;
    for (std::size_t n = 0; n < samples; ++n) {
      const double before = gate_before(n, c), behind = gate_behind(n, c);
      const double middle = static_cast<double>(center(n, c)), away = before * middle - mean;
      if (of_gates_ != nullptr && !this->gate_first) {
        of_gates_[plane(n, c)] = static_cast<T>(slope * (sums[n].product + away * sums[n].gradient) +
                                                bias_of(c) * sums[n].gradient);
      } else if (of_gates_ != nullptr) {
        double of_gate = sums[n].product + middle * sums[n].gradient;
        if (use_batch_) {
          const double plane_mean = plane_means_[c * samples + n];
          const double plane_square = plane_means_[(channels + c) * samples + n];
          const double area = static_cast<double>(pixels);
          of_gate -= constant * area * plane_mean +
                     multiple * (before * plane_square + area * plane_mean * (before * plane_mean - mean));
        }
        of_gates_[plane(n, c)] = static_cast<T>(slope * of_gate);
      }
      const double steep = before * slope;
      slopes[n] = {static_cast<T>(steep * behind), static_cast<T>(-steep * multiple * before), center(n, c),
                   static_cast<T>(-steep * (constant + multiple * away))};
    }
  }

 private:
  bool use_batch_;
  const double *channel_statistics_, *plane_means_;
  T *of_weight_, *of_bias_, *of_gates_;
};

}  // namespace deepmoe
