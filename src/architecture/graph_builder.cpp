#include "architecture/graph_builder.hpp"

#include <utility>

namespace deepmoe {

GraphBuilder::GraphBuilder(const NetworkSettings& settings) : settings_(settings) {
  architecture_.model = settings.model;
  architecture_.image_size = settings.image_size;
  architecture_.nodes.push_back({"input", Input{}, {}, {}});
}

std::int32_t GraphBuilder::append(std::string name, Operation operation, std::int32_t input,
                                  std::string parameters) {
  architecture_.nodes.push_back({std::move(name), operation, {input}, std::move(parameters)});
  return static_cast<std::int32_t>(architecture_.nodes.size()) - 1;
}

std::int32_t GraphBuilder::append_add(std::string name, std::int32_t left, std::int32_t right) {
  const std::int32_t sum = append(std::move(name), Add{}, left);
  architecture_.nodes.back().inputs.push_back(right);
  return sum;
}

std::int32_t GraphBuilder::append_gate(const std::string& name, std::int32_t input) {
  const std::int32_t gate = append(name, Gate{settings_.gate_bias}, input, name);
  architecture_.nodes.back().inputs.push_back(architecture_.embedding);
  return gate;
}

std::int32_t GraphBuilder::append_unit(const ConvolutionUnit& unit, std::int32_t input) {
  const bool gated = !unit.gate.empty();
  const auto gate_here = [&](GatePosition position) { return gated && settings_.gate_position == position; };

  std::int32_t last = input;
  if (gate_here(GatePosition::input)) last = append_gate(unit.gate, last);
  const Convolution convolution{.channels = unit.channels,
                                .kernel = unit.kernel,
                                .stride = unit.stride,
                                .padding = (unit.kernel - 1) / 2,
                                .bias = unit.bias};
  last = append(unit.name, convolution, last, unit.parameters);
  if (gate_here(GatePosition::pre_bn)) last = append_gate(unit.gate, last);
  if (!unit.norm.empty()) last = append(unit.norm, BatchNorm{}, last, unit.norm_parameters);
  if (gate_here(GatePosition::post_bn)) last = append_gate(unit.gate, last);
  if (!unit.relu.empty()) last = append(unit.relu, Relu{}, last);
  return last;
}

Architecture GraphBuilder::finish(std::int32_t logits) {
  architecture_.logits = logits;
  if (architecture_.gated()) {
    architecture_.embedding_logits = append("embedding_classifier", Linear{.channels = settings_.num_classes},
                                            architecture_.embedding, "embedding_classifier");
  }
  return std::move(architecture_);
}

}  // namespace deepmoe
