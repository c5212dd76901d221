#include "architecture/gate_reach.hpp"
#include "architecture/limits.hpp"
#include "architecture/parameters.hpp"
#include "base/base.hpp"

namespace deepmoe {
namespace {

std::optional<std::int64_t> node_macs(const Node& node, const std::vector<Shape>& shapes,
                                      const Shape& output) {
  const auto input = [&](std::size_t number) -> const Shape& {
    return shapes[static_cast<std::size_t>(node.inputs[number])];
  };
  if (const auto* convolution = std::get_if<Convolution>(&node.operation)) {
    return checked_product({output.height, output.width, output.channels, input(0).channels,
                            convolution->kernel, convolution->kernel});
  }
  if (std::holds_alternative<Linear>(node.operation))
    return checked_product({output.channels, input(0).channels});
  if (std::holds_alternative<Gate>(node.operation))
    return checked_product({output.channels, input(1).channels});
  return 0;
}

/// Marks what the embedding network and its classifier consist of: what leads to their outputs, but not to
/// the logits other than through gate heads.
std::vector<bool> embedding_nodes(const Architecture& architecture) {
  const std::size_t count = architecture.nodes.size();
  std::vector<bool> trunk(count, false), embedding(count, false);
  trunk[static_cast<std::size_t>(architecture.logits)] = true;
  for (const std::int32_t output : {architecture.embedding, architecture.embedding_logits}) {
    if (output >= 0) embedding[static_cast<std::size_t>(output)] = true;
  }
  for (std::size_t i = count; i-- > 0;) {
    const Node& node = architecture.nodes[i];
    const bool is_gate = std::holds_alternative<Gate>(node.operation);
    for (std::size_t number = 0; number < node.inputs.size(); ++number) {
      const auto input = static_cast<std::size_t>(node.inputs[number]);
      if (trunk[i] && !(is_gate && number == 1)) trunk[input] = true;
      if (embedding[i]) embedding[input] = true;
    }
    if (trunk[i]) embedding[i] = false;
  }
  return embedding;
}

void add(std::int64_t& sum, std::int64_t value) {
  if (__builtin_add_overflow(sum, value, &sum)) {
    fail(ErrorCode::invalid_argument, "the network is too large for its cost to be counted");
  }
}

}  // namespace

Cost cost(const Architecture& architecture, std::int64_t image_size) {
  const std::vector<Shape> own_shapes = infer_shapes(architecture);
  const std::vector<Shape> shapes = image_size == 0 ? own_shapes : infer_shapes(architecture, image_size);
  const GateReach reach = find_gate_reach(architecture);
  const std::vector<bool> embedding = embedding_nodes(architecture);

  Cost total;
  for (std::size_t i = 0; i < architecture.nodes.size(); ++i) {
    const Node& node = architecture.nodes[i];
    NodeCost one;
    for (const ParameterSpecification& entry :
         node_parameters(architecture, own_shapes, static_cast<std::int32_t>(i))) {
      if (!entry.trainable) continue;
      std::int64_t elements = 1;
      for (const std::int64_t size : entry.shape) elements *= size;
      one.parameters += elements;
    }
    const std::optional<std::int64_t> macs = node_macs(node, shapes, shapes[i]);
    if (!macs) {
      fail(ErrorCode::invalid_argument, "node '", node.name, "' is too large for its cost to be counted");
    }
    one.dense_macs = *macs;
    one.input_gate = reach.input_gates[i];
    one.output_gate = reach.output_gates[i];

    const bool is_gate = std::holds_alternative<Gate>(node.operation);
    add(total.parameters, one.parameters);
    add(total.dense_macs, one.dense_macs);
    add(is_gate        ? total.gating_parameters
        : embedding[i] ? total.embedding_parameters
                       : total.trunk_parameters,
        one.parameters);
    add(is_gate ? total.gating_macs : embedding[i] ? total.embedding_macs : total.trunk_macs, one.dense_macs);
    total.nodes.push_back(one);
  }
  return total;
}

double active_macs(const Architecture& architecture, const Cost& cost, const std::vector<double>& densities) {
  const std::size_t gates = architecture.gates().size();
  if (densities.size() != gates) {
    fail(ErrorCode::invalid_argument, densities.size(), " densities were given for the ", gates,
         " gates of network '", architecture.model, "'; give one for each");
  }
  for (const double density : densities) {
    if (!(density >= 0 && density <= 1)) {
      fail(ErrorCode::invalid_argument, "density ", density, " is not between 0 and 1");
    }
  }
  const auto fraction = [&](std::int32_t gate) {
    return gate < 0 ? 1.0 : densities[static_cast<std::size_t>(gate)];
  };
  double macs = 0;
  for (const NodeCost& node : cost.nodes) {
    macs += static_cast<double>(node.dense_macs) * fraction(node.input_gate) * fraction(node.output_gate);
  }
  return macs;
}

}  // namespace deepmoe
