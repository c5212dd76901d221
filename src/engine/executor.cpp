#include "engine/executor.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "engine/gate_limit.hpp"
#include "engine/pooling.hpp"

namespace deepmoe {
namespace {

using Clock = std::chrono::steady_clock;

class Execution {
 public:
  Execution(const Plan& plan, const EngineRun& run, std::int64_t first, std::int32_t count,
            Workspace& workspace, const Team& team)
      : plan_(plan),
        run_(run),
        first_(static_cast<std::size_t>(first)),
        samples_(static_cast<std::size_t>(count)),
        workspace_(workspace),
        team_(team),
        experts_(static_cast<std::size_t>(plan.experts)) {}

  std::int64_t operator()() {
    const std::size_t steps = plan_.steps.size(), early = std::min(plan_.late_step, steps);
    std::int64_t macs = 0;
    for (begin_ = 0; begin_ < samples_; begin_ += count_) {
      count_ = std::min(plan_.pass_sizes.early, samples_ - begin_);
      macs += compute_steps(0, early);
    }
    begin_ = 0;
    count_ = samples_;
    macs += compute_steps(early, steps);
    give(plan_.network.logits, run_.logits);
    give(plan_.network.embedding, run_.embedding);
    give(plan_.network.embedding_logits, run_.embedding_logits);
    if (run_.gates != nullptr) {
      std::memcpy(run_.gates + first_ * experts_, workspace_.gates.data(),
                  samples_ * experts_ * sizeof(float));
    }
    return macs;
  }

 private:
  std::int64_t compute_steps(std::size_t from, std::size_t to) {
    std::int64_t macs = 0;
    for (std::size_t index = from; index < to; ++index) {
      const PlannedStep& planned = *plan_.steps[index];
      const auto start = plan_.profile ? Clock::now() : Clock::time_point();
      const std::int64_t of_step = std::visit(
          [&](const auto& operation) { return compute(planned, operation); }, planned.step.operation);
      if (plan_.profile) {
        const auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start);
        planned.nanoseconds.fetch_add(time.count(), std::memory_order_relaxed);
      }
      planned.active_macs.fetch_add(of_step, std::memory_order_relaxed);
      macs += of_step;
    }
    return macs;
  }

  const Value& value(std::int32_t index) const {
    return plan_.network.values[static_cast<std::size_t>(index)];
  }
  std::size_t elements(std::int32_t index) const {
    return static_cast<std::size_t>(value(index).shape.elements());
  }
  /// Numbers of one channel.
  std::size_t plane(std::int32_t index) const {
    const Shape& shape = value(index).shape;
    return shape.is_image() ? static_cast<std::size_t>(shape.height * shape.width) : 1;
  }
  const float* read(std::int32_t index, std::size_t sample) const {
    if (index == 0) return run_.images + (first_ + begin_ + sample) * elements(0);
    return const_cast<Execution*>(this)->write(index, sample);
  }
  float* write(std::int32_t index, std::size_t sample) {
    const std::size_t place = plan_.buffers.of_all_samples(index) ? begin_ + sample : sample;
    return workspace_.values.data() + workspace_.layout.offsets[static_cast<std::size_t>(index)] +
           place * elements(index);
  }

  // ---- Gates ----

  float* gates(std::int32_t gate, std::size_t sample) {
    return workspace_.gates.data() + (begin_ + sample) * experts_ +
           static_cast<std::size_t>(plan_.gate_offsets[static_cast<std::size_t>(gate)]);
  }
  std::int32_t* list(std::int32_t gate, std::size_t sample) {
    return workspace_.lists.data() + (begin_ + sample) * experts_ +
           static_cast<std::size_t>(plan_.gate_offsets[static_cast<std::size_t>(gate)]);
  }
  std::int32_t& active(std::int32_t gate, std::size_t sample) {
    return workspace_.counts[(begin_ + sample) * plan_.gate_offsets.size() + static_cast<std::size_t>(gate)];
  }
  /// The gate's list when there is one and some expert of it is inactive; else null: every channel.
  const std::int32_t* listed(std::int32_t gate, std::size_t sample, std::int32_t channels,
                             std::int32_t& count) {
    count = gate >= 0 ? active(gate, sample) : channels;
    return gate >= 0 && count < channels ? list(gate, sample) : nullptr;
  }

  float* finish(std::size_t sample, std::size_t which) {
    return workspace_.finishes.data() + (sample * 3 + which) * plan_.widest;
  }

  std::int64_t compute(const PlannedStep& planned, const HeadStep& step) {
    const std::int32_t experts = plan_.network.experts[static_cast<std::size_t>(step.gate)];
    const std::size_t padded = planned.linear->padded_outputs();
    const auto inputs = static_cast<std::int32_t>(elements(step.embedding));
    features_.resize(count_);
    for (std::size_t n = 0; n < count_; ++n) features_[n] = {read(step.embedding, n), nullptr, inputs};
    planned.linear->run(features_, workspace_.scratch.data(), team_);
    for (std::size_t n = 0; n < count_; ++n) {
      const float* sums = workspace_.scratch.data() + n * padded;
      float* gate = gates(step.gate, n);
      for (std::int32_t e = 0; e < experts; ++e) {
        const auto at = static_cast<std::size_t>(e);
        const float sum = sums[at] + (step.bias.empty() ? 0.0F : step.bias[at]);
        gate[at] = sum <= 0.0F ? 0.0F : sum;  // which leaves what is not a number as it is
      }
      if (step.active_limit > 0) keep_largest(plan_.kernels, gate, experts, step.active_limit);
      if (run_.given_gates != nullptr) {
        std::copy_n(run_.given_gates + (first_ + begin_ + n) * experts_ +
                        static_cast<std::size_t>(plan_.gate_offsets[static_cast<std::size_t>(step.gate)]),
                    experts, gate);
      }
      // A gate that is not a number stays active, so that it is seen in the results.
      active(step.gate, n) = plan_.kernels.list_positive(gate, experts, list(step.gate, n));
    }
    return planned.dense_macs * static_cast<std::int64_t>(count_);
  }

  // ---- Products ----

  std::int64_t compute(const PlannedStep& planned, const ConvolutionStep& step) {
    const Geometry& geometry = step.geometry;
    std::int64_t products = 0;
    for (std::size_t n = 0; n < count_; ++n) {
      SampleInput& input = workspace_.inputs[n];
      input.planes = read(step.input, n);
      input.channels = listed(step.input_list, n, geometry.inputs, input.count);
      input.scales = nullptr;
      if (step.input_scale >= 0) {
        float* scales = finish(n, 2);
        const float* gate = gates(step.input_scale, n);
        for (std::int32_t i = 0; i < input.count; ++i) scales[i] = gate[channel_at(input.channels, i)];
        input.scales = scales;
      }
      SampleOutput& output = workspace_.outputs[n];
      output.planes = write(step.output, n);
      output.channels = listed(step.output_list, n, geometry.outputs, output.count);
      output.residual = step.residual >= 0 ? read(step.residual, n) : nullptr;
      output.scales = finish(n, 0);
      output.offsets = finish(n, 1);
      finish_of(step.affine, n, output.channels, output.count);
      products += std::int64_t{input.count} * output.count;
    }
    planned.convolution->run({workspace_.inputs.data(), count_}, {workspace_.outputs.data(), count_},
                             step.activation == Activation::relu, workspace_.scratch.data(), team_);
    if (step.activation == Activation::gelu) apply_gelu(step);
    if (step.residual >= 0 && step.output_list >= 0) pass_residual(step);
    const std::int64_t pairs = std::int64_t{geometry.inputs} * geometry.outputs;
    return planned.dense_macs / pairs * products;
  }

  /// The finish of the listed outputs: finish(n, 0) and finish(n, 1).
  void finish_of(const Affine& affine, std::size_t n, const std::int32_t* channels, std::int32_t count) {
    float* scales = finish(n, 0);
    float* offsets = finish(n, 1);
    const float* gate = affine.gate >= 0 ? gates(affine.gate, n) : nullptr;
    for (std::int32_t k = 0; k < count; ++k) {
      const auto c = static_cast<std::size_t>(channel_at(channels, k));
      const float g = gate != nullptr ? gate[c] : 1.0F;
      scales[k] = g * affine.scale[c];
      offsets[k] = g * affine.gated_offset[c] + affine.offset[c];
    }
  }

  void apply_gelu(const ConvolutionStep& step) {
    const std::size_t pixels = plane(step.output);
    team_.for_each(static_cast<std::int32_t>(count_), [&](std::int32_t n) {
      const SampleOutput& output = workspace_.outputs[static_cast<std::size_t>(n)];
      // Planes that follow each other are one, so that small ones fill vectors, too.
      if (output.channels == nullptr)
        return plan_.kernels.gelu(output.planes, static_cast<std::size_t>(output.count) * pixels);
      for (std::int32_t k = 0; k < output.count; ++k)
        plan_.kernels.gelu(output.planes + static_cast<std::size_t>(channel_at(output.channels, k)) * pixels,
                           pixels);
    });
  }

  /// The channels that were not computed hold their constant and the residual.
  void pass_residual(const ConvolutionStep& step) {
    const std::size_t pixels = plane(step.output);
    const bool stays = value(step.residual).rectified || step.activation == Activation::none;
    team_.for_each(static_cast<std::int32_t>(count_), [&](std::int32_t n) {
      const SampleOutput& output = workspace_.outputs[static_cast<std::size_t>(n)];
      if (output.channels == nullptr) return;
      std::int32_t k = 0;
      for (std::int32_t c = 0; c < step.geometry.outputs; ++c) {
        if (k < output.count && output.channels[k] == c) {
          ++k;
          continue;
        }
        const float constant = step.affine.offset[static_cast<std::size_t>(c)];
        float* out = output.planes + static_cast<std::size_t>(c) * pixels;
        const float* residual = output.residual + static_cast<std::size_t>(c) * pixels;
        if (constant == 0 && stays) {
          if (out != residual) std::copy_n(residual, pixels, out);
          continue;
        }
        for (std::size_t i = 0; i < pixels; ++i) out[i] = residual[i] + constant;
        activate(step.activation, out, pixels);
      }
    });
  }

  void activate(Activation activation, float* x, std::size_t count) const {
    if (activation == Activation::gelu) plan_.kernels.gelu(x, count);
    // The order of the operands lets a NaN pass.
    if (activation == Activation::relu)
      for (std::size_t i = 0; i < count; ++i) x[i] = x[i] < 0.0F ? 0.0F : x[i];
  }

  std::int64_t compute(const PlannedStep& planned, const LinearStep& step) {
    const std::size_t padded = planned.linear->padded_outputs();
    float* sums = workspace_.scratch.data();
    float* packed = sums + count_ * padded;
    std::int64_t read_features = 0;
    features_.resize(count_);
    for (std::size_t n = 0; n < count_; ++n) {
      features_[n] = listed_features(step, n, packed + n * 2 * plan_.most_features);
      read_features += features_[n].count;
    }
    planned.linear->run(features_, sums, team_);
    const auto outputs = static_cast<std::size_t>(step.outputs);
    for (std::size_t n = 0; n < count_; ++n) {
      finish_of(step.affine, n, nullptr, step.outputs);
      const float* residual = step.residual >= 0 ? read(step.residual, n) : nullptr;
      float* row = sums + n * padded;
      float* out = write(step.output, n);
      for (std::size_t o = 0; o < outputs; ++o) {
        const float sum = planned.base.empty() ? row[o] : row[o] + planned.base[o];
        out[o] = sum * finish(n, 0)[o] + finish(n, 1)[o] + (residual != nullptr ? residual[o] : 0.0F);
      }
      activate(step.activation, out, outputs);
    }
    return read_features * step.outputs;
  }

  /// The features of the listed channels, less their constants; `memory` takes them and their list.
  FeatureList listed_features(const LinearStep& step, std::size_t n, float* memory) {
    std::int32_t count = 0;
    const std::int32_t channels = step.inputs / step.run;
    const std::int32_t* listed_channels = listed(step.input_list, n, channels, count);
    const float* x = read(step.input, n);
    if (step.input_list < 0 || (listed_channels == nullptr && step.constants.empty())) {
      return {x, nullptr, step.inputs};
    }
    auto* features = reinterpret_cast<std::int32_t*>(memory + plan_.most_features);
    std::int32_t place = 0;
    for (std::int32_t k = 0; k < count; ++k) {
      const std::int32_t channel = channel_at(listed_channels, k);
      const float constant =
          step.constants.empty() ? 0.0F : step.constants[static_cast<std::size_t>(channel)];
      for (std::int32_t i = 0; i < step.run; ++i, ++place) {
        features[place] = channel * step.run + i;
        memory[place] = x[features[place]] - constant;
      }
    }
    return {memory, features, place};
  }

  // ---- The rest ----

  std::int64_t compute(const PlannedStep&, const PoolStep& step) {
    const auto channels = static_cast<std::int32_t>(value(step.input).shape.channels);
    team_.for_each(static_cast<std::int32_t>(count_), [&](std::int32_t n) {
      const auto sample = static_cast<std::size_t>(n);
      std::int32_t count = 0;
      const std::int32_t* channel = listed(step.list, sample, channels, count);
      for (std::int32_t k = 0, planes = 0; k < count; k += planes) {
        planes = following(channel, k, count);
        const auto c = static_cast<std::size_t>(channel_at(channel, k));
        const float* in = read(step.input, sample) + c * plane(step.input);
        float* out = write(step.output, sample) + c * plane(step.output);
        if (step.average) {
          average_pool(value(step.input).shape, value(step.output).shape, planes, in, out);
        } else {
          max_pool(plan_.kernels, {step.kernel, step.stride, step.padding}, value(step.input).shape,
                   value(step.output).shape, planes, in, out);
        }
      }
    });
    return 0;
  }

  std::int64_t compute(const PlannedStep&, const ElementwiseStep& step) {
    const auto channels = static_cast<std::size_t>(value(step.output).shape.channels);
    const std::size_t pixels = plane(step.output);
    const bool affine = !step.affine.scale.empty();
    for (std::size_t n = 0; n < count_; ++n) {
      if (affine) finish_of(step.affine, n, nullptr, static_cast<std::int32_t>(channels));
      const float* in = read(step.input, n);
      const float* residual = step.residual >= 0 ? read(step.residual, n) : nullptr;
      float* out = write(step.output, n);
      for (std::size_t c = 0; c < channels; ++c) {
        const float scale = affine ? finish(n, 0)[c] : 1.0F, offset = affine ? finish(n, 1)[c] : 0.0F;
        for (std::size_t i = c * pixels; i < (c + 1) * pixels; ++i)
          out[i] = in[i] * scale + offset + (residual != nullptr ? residual[i] : 0.0F);
      }
      activate(step.activation, out, channels * pixels);
    }
    return 0;
  }

  std::int64_t compute(const PlannedStep&, const FillStep& step) {
    const auto channels = static_cast<std::int32_t>(value(step.value).shape.channels);
    const std::size_t pixels = plane(step.value);
    for (std::size_t n = 0; n < count_; ++n) {
      std::int32_t count = 0;
      const std::int32_t* channel = listed(step.list, n, channels, count);
      if (channel == nullptr) continue;
      float* planes = write(step.value, n);
      std::int32_t k = 0;
      for (std::int32_t c = 0; c < channels; ++c) {
        if (k < count && channel[k] == c) {
          ++k;
          continue;
        }
        const auto at = static_cast<std::size_t>(c);
        std::fill_n(planes + at * pixels, pixels, step.constants.empty() ? 0.0F : step.constants[at]);
      }
    }
    return 0;
  }

  void give(std::int32_t index, float* out) const {
    if (out == nullptr || index < 0) return;
    for (std::size_t n = 0; n < count_; ++n)
      std::copy_n(read(index, n), elements(index), out + (first_ + n) * elements(index));
  }

  const Plan& plan_;
  const EngineRun& run_;
  std::size_t first_, samples_;        // of the run's batch
  std::size_t begin_ = 0, count_ = 0;  // the samples that are computed now, among those
  Workspace& workspace_;
  const Team& team_;
  std::size_t experts_;
  std::vector<FeatureList> features_;
};

}  // namespace

std::int64_t execute(const Plan& plan, const EngineRun& run, std::int64_t first, std::int32_t count,
                     Workspace& workspace, const Team& team) {
  return Execution(plan, run, first, count, workspace, team)();
}

}  // namespace deepmoe
