#include "engine/plan.hpp"

#include <algorithm>
#include <utility>

namespace deepmoe {
namespace {

/// Gives up the memory of weights that are packed now.
void release(std::vector<float>& weight) { std::vector<float>().swap(weight); }

class Packing {
 public:
  Packing(Plan& plan, PlannedStep& planned) : plan_(plan), planned_(planned) {}

  void operator()(HeadStep& step) const {
    const auto experts = plan_.network.experts[static_cast<std::size_t>(step.gate)];
    const auto inputs = static_cast<std::int32_t>(step.weight.size() / static_cast<std::size_t>(experts));
    pack(inputs, experts, step.weight, WeightPrecision::fp32);
  }
  void operator()(ConvolutionStep& step) const {
    const Geometry& geometry = step.geometry;
    const bool every_output = step.output_list < 0;
    const bool every_channel = every_output && step.input_list < 0 && step.input_scale < 0;
    planned_.convolution = make_convolution(
        plan_.kernels, geometry, step.weight.data(), step.constants.empty() ? nullptr : step.constants.data(),
        every_output, every_channel ? WeightPrecision::fp32 : plan_.precision);
    planned_.weight_bytes = planned_.convolution->weight_bytes();
    planned_.dense_macs = static_cast<std::int64_t>(step.weight.size() * geometry.out_plane());
    release(step.weight);
  }
  void operator()(LinearStep& step) const {
    if (!step.constants.empty()) {
      const auto inputs = static_cast<std::size_t>(step.inputs), run = static_cast<std::size_t>(step.run);
      for (std::size_t output = 0; output < static_cast<std::size_t>(step.outputs); ++output) {
        double sum = 0;
        for (std::size_t input = 0; input < inputs; ++input)
          sum += double{step.weight[output * inputs + input]} * double{step.constants[input / run]};
        planned_.base.push_back(static_cast<float>(sum));
      }
    }
    pack(step.inputs, step.outputs, step.weight, plan_.precision);
  }
  template <class Other>
  void operator()(Other&) const {}

 private:
  void pack(std::int32_t inputs, std::int32_t outputs, std::vector<float>& weight,
            WeightPrecision precision) const {
    planned_.linear =
        std::make_unique<LinearKernel>(plan_.kernels, inputs, outputs, weight.data(), precision);
    planned_.weight_bytes = planned_.linear->weight_bytes();
    planned_.dense_macs = static_cast<std::int64_t>(weight.size());
    release(weight);
  }

  Plan& plan_;
  PlannedStep& planned_;
};

}  // namespace

Plan::Plan(const Architecture& architecture, std::int64_t image_size, bool skip, WeightPrecision weights_in,
           const Kernels& of, const ReadParameter& read)
    : kernels(of),
      precision(weights_in),
      network(lower(architecture, image_size, skip, read)),
      late_step(deepmoe::late_step(network, pass_sizes)),
      buffers(network, late_step) {
  for (const std::int32_t gate : architecture.gates())
    gate_names.push_back(architecture.nodes[static_cast<std::size_t>(gate)].name);
  for (const std::int32_t count : network.experts) {
    gate_offsets.push_back(experts);
    experts += count;
  }
  for (const Value& value : network.values) {
    widest = std::max(widest, static_cast<std::size_t>(value.shape.channels));
  }
  for (Step& step : network.steps) {
    steps.push_back(std::make_unique<PlannedStep>());
    PlannedStep& planned = *steps.back();
    planned.step = std::move(step);
    std::visit(Packing(*this, planned), planned.step.operation);
    if (const auto* linear = std::get_if<LinearStep>(&planned.step.operation))
      most_features = std::max(most_features, static_cast<std::size_t>(linear->inputs));
    dense_macs += planned.dense_macs;
    weight_bytes += planned.weight_bytes;
  }
  network.steps.clear();
}

std::size_t Plan::scratch_floats(std::int32_t samples_at_a_time, int threads) const {
  std::size_t floats = 0;
  for (const auto& planned : steps) {
    if (planned->convolution) {
      floats = std::max(floats, planned->convolution->scratch_floats(samples_at_a_time, threads));
    } else if (planned->linear) {
      // The sums, and the listed features of each sample.
      floats = std::max(floats, static_cast<std::size_t>(samples_at_a_time) *
                                    (planned->linear->padded_outputs() + 2 * most_features));
    }
  }
  return floats;
}

}  // namespace deepmoe
