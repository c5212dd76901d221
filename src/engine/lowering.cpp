#include "engine/lowering.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "architecture/gate_reach.hpp"
#include "base/base.hpp"
#include "engine/product_chains.hpp"

namespace deepmoe {
namespace {

float activate(Activation activation, float x) {
  if (activation == Activation::relu) return std::max(x, 0.0F);
  if (activation == Activation::gelu) return 0.5F * x * (1.0F + std::erf(x * 0.70710678F));
  return x;
}

Activation activation_of(const Node& node) { return is<Gelu>(node) ? Activation::gelu : Activation::relu; }

/// What a later node reads of an earlier one: a value, whose channels a gate may still have to multiply.
struct Source {
  std::int32_t value = -1;
  std::int32_t scale = -1;
  std::int32_t run = 1;  // features that each of the value's channels became
};

class Lowering {
 public:
  Lowering(const Architecture& architecture, std::int64_t image_size, bool skip, const ReadParameter& read)
      : architecture_(architecture),
        skip_(skip),
        read_(read),
        shapes_(infer_shapes(architecture, image_size)),
        reach_(find_gate_reach(architecture)),
        sources_(architecture.nodes.size()),
        chains_(find_product_chains(architecture)) {
    std::int32_t position = 0;
    gate_positions_.assign(architecture.nodes.size(), -1);
    for (const std::int32_t gate : architecture.gates()) {
      gate_positions_[static_cast<std::size_t>(gate)] = position++;
      network_.experts.push_back(static_cast<std::int32_t>(shapes_[static_cast<std::size_t>(gate)].channels));
    }
    heads_made_.assign(network_.experts.size(), false);
  }

  LoweredNetwork lower() {
    for (std::int32_t index = 0; index < static_cast<std::int32_t>(architecture_.nodes.size()); ++index) {
      const std::int32_t chain = chains_.chain_of[static_cast<std::size_t>(index)];
      if (chain < 0) {
        lower_node(index);
      } else if (chains_.chains[static_cast<std::size_t>(chain)].nodes.back() == index) {
        lower_chain(chains_.chains[static_cast<std::size_t>(chain)]);
      }
    }
    network_.logits = full_value(architecture_.logits);
    if (architecture_.embedding >= 0) network_.embedding = full_value(architecture_.embedding);
    if (architecture_.embedding_logits >= 0) {
      network_.embedding_logits = full_value(architecture_.embedding_logits);
    }
    return std::move(network_);
  }

 private:
  const Node& node(std::int32_t index) const { return architecture_.nodes[static_cast<std::size_t>(index)]; }
  const Shape& shape(std::int32_t index) const { return shapes_[static_cast<std::size_t>(index)]; }
  Value& value(std::int32_t index) { return network_.values[static_cast<std::size_t>(index)]; }
  std::int32_t gate_position(std::int32_t index) const {
    return gate_positions_[static_cast<std::size_t>(index)];
  }

  // ---- Values ----

  std::int32_t new_value(const Shape& of) {
    network_.values.push_back({of, -1, {}, false});
    return static_cast<std::int32_t>(network_.values.size()) - 1;
  }

  /// The node's value with every channel stored and multiplied: adds the steps for it where needed.
  std::int32_t full_value(std::int32_t index) {
    Source& source = sources_[static_cast<std::size_t>(index)];
    if (source.scale >= 0) {
      const Shape& of = shape(index);
      ElementwiseStep step{source.value, -1};
      step.affine = identity(of.channels);
      step.affine.gate = source.scale;
      fill(source.value);
      step.output = new_value(of);
      source = {step.output};
      network_.steps.push_back({node(index).name, index, std::move(step)});
      return source.value;
    }
    fill(source.value);
    return source.value;
  }

  void fill(std::int32_t index) {
    Value& filled = value(index);
    if (filled.gate < 0) return;
    network_.steps.push_back({"fill", -1, FillStep{index, filled.gate, std::move(filled.constants)}});
    filled.gate = -1;
    filled.constants.clear();
  }

  static Affine identity(std::int64_t channels) {
    const auto count = static_cast<std::size_t>(channels);
    return {std::vector<float>(count, 1.0F), std::vector<float>(count, 0.0F), std::vector<float>(count, 0.0F),
            -1};
  }

  void append(Affine& affine, const BatchNorm& norm, std::int32_t index) {
    const std::string& prefix = node(index).parameters;
    const std::vector<float> mean = read_(prefix + ".running_mean"),
                             variance = read_(prefix + ".running_var");
    std::vector<float> weight, bias;
    if (norm.affine) {
      weight = read_(prefix + ".weight");
      bias = read_(prefix + ".bias");
    }
    const bool gated = affine.gate >= 0;
    for (std::size_t c = 0; c < mean.size(); ++c) {
      const double scale =
          (norm.affine ? double{weight[c]} : 1.0) / std::sqrt(double{variance[c]} + norm.epsilon);
      const double offset = (norm.affine ? double{bias[c]} : 0.0) - scale * double{mean[c]};
      affine.scale[c] = static_cast<float>(affine.scale[c] * scale);
      affine.gated_offset[c] = static_cast<float>(affine.gated_offset[c] * scale + (gated ? 0.0 : offset));
      affine.offset[c] = static_cast<float>(affine.offset[c] * scale + (gated ? offset : 0.0));
    }
  }

  /// The position of a gate node; its head becomes a step before its first use.
  std::int32_t use_gate(std::int32_t index) {
    const std::int32_t position = gate_position(index);
    if (!heads_made_[static_cast<std::size_t>(position)]) {
      heads_made_[static_cast<std::size_t>(position)] = true;
      const Gate& gate = std::get<Gate>(node(index).operation);
      HeadStep step{
          position, full_value(node(index).inputs[1]), read_(node(index).parameters + ".fc.weight"), {}};
      for (float& weight : step.weight) weight *= static_cast<float>(gate.influence);
      if (gate.bias) step.bias = read_(node(index).parameters + ".fc.bias");
      step.active_limit = static_cast<std::int32_t>(gate.active_limit);
      network_.steps.push_back({node(index).name, index, std::move(step)});
    }
    return position;
  }

  // ---- Steps ----

  /// The affine part of a chain; the gate's head is made on the way.
  Affine affine_of(const ProductChain& chain, std::int64_t channels, const std::vector<float>& bias) {
    Affine affine = identity(channels);
    if (!bias.empty()) affine.gated_offset = bias;
    for (const std::int32_t member : chain.nodes) {
      if (const auto* norm = std::get_if<BatchNorm>(&node(member).operation)) append(affine, *norm, member);
      if (is<Gate>(node(member))) affine.gate = use_gate(member);
    }
    return affine;
  }

  void lower_chain(const ProductChain& chain) {
    const std::int32_t product = chain.nodes.front();
    const std::int32_t last = chain.nodes.back();
    std::int32_t residual = -1;
    if (chain.add >= 0) {
      const std::vector<std::int32_t>& inputs = node(chain.add).inputs;
      const bool first = chains_.chain_of[static_cast<std::size_t>(inputs[0])] ==
                         chains_.chain_of[static_cast<std::size_t>(last)];
      residual = full_value(inputs[first ? 1 : 0]);
    }
    const Activation activation = is_activation(node(last)) ? activation_of(node(last)) : Activation::none;
    if (const auto* convolution = std::get_if<Convolution>(&node(product).operation)) {
      lower_convolution(*convolution, chain, residual, activation);
    } else {
      lower_linear(std::get<Linear>(node(product).operation), chain, residual, activation);
    }
  }

  void lower_convolution(const Convolution& convolution, const ProductChain& chain, std::int32_t residual,
                         Activation activation) {
    const std::int32_t product = chain.nodes.front();
    const std::string& prefix = node(product).parameters;
    const Source source = sources_[static_cast<std::size_t>(node(product).inputs[0])];
    const Shape in = shape(node(product).inputs[0]);
    ConvolutionStep step{source.value, -1, residual};
    step.affine = affine_of(chain, convolution.channels,
                            convolution.bias ? read_(prefix + ".bias") : std::vector<float>());
    step.geometry = {
        static_cast<std::int32_t>(in.channels),        static_cast<std::int32_t>(convolution.channels),
        static_cast<std::int32_t>(in.height),          static_cast<std::int32_t>(in.width),
        static_cast<std::int32_t>(convolution.kernel), static_cast<std::int32_t>(convolution.stride),
        static_cast<std::int32_t>(convolution.padding)};
    step.weight = read_(prefix + ".weight");
    step.activation = activation;
    read_list(source, step);
    if (skip_) {
      // A gate in the chain says which channels become constants; one behind it, which have a reader.
      step.output_list = step.affine.gate >= 0 ? step.affine.gate
                         : residual < 0 ? used_reach(reach_.output_gates[static_cast<std::size_t>(product)])
                                        : -1;
    }
    step.output = new_value(shape(chain.nodes.back()));
    value(step.output).rectified = activation == Activation::relu;
    if (residual < 0 && step.output_list >= 0) {
      Value& output = value(step.output);
      output.gate = step.output_list;
      if (step.affine.gate >= 0) output.constants = constants_after(step.affine.offset, activation);
    }
    sources_[static_cast<std::size_t>(chain.nodes.back())] = {step.output};
    network_.steps.push_back({node(product).name, product, std::move(step)});
  }

  /// A gate that only filters must be known before the convolution; it is, if its embedding is.
  std::int32_t used_reach(std::int32_t position) {
    if (position < 0) return -1;
    const std::int32_t gate = architecture_.gates()[static_cast<std::size_t>(position)];
    const Source& embedding = sources_[static_cast<std::size_t>(node(gate).inputs[1])];
    return embedding.value >= 0 ? use_gate(gate) : -1;
  }

  static std::vector<float> constants_after(const std::vector<float>& offsets, Activation activation) {
    std::vector<float> constants(offsets.size());
    std::transform(offsets.begin(), offsets.end(), constants.begin(),
                   [&](float offset) { return activate(activation, offset); });
    if (std::all_of(constants.begin(), constants.end(), [](float c) { return c == 0.0F; })) constants.clear();
    return constants;
  }

  /// Which channels of `source` a convolution reads, and what it multiplies them by.
  void read_list(const Source& source, ConvolutionStep& step) {
    if (source.scale >= 0) {
      step.input_scale = source.scale;
      step.input_list = skip_ ? source.scale : -1;
      return;
    }
    const Value& input = value(source.value);
    step.input_list = input.gate;
    step.constants = input.constants;
  }

  void lower_linear(const Linear& linear, const ProductChain& chain, std::int32_t residual,
                    Activation activation) {
    const std::int32_t product = chain.nodes.front();
    const std::string& prefix = node(product).parameters;
    Source source = sources_[static_cast<std::size_t>(node(product).inputs[0])];
    if (source.scale >= 0) source = {full_value(node(product).inputs[0])};
    LinearStep step{source.value, -1, residual};
    step.affine =
        affine_of(chain, linear.channels, linear.bias ? read_(prefix + ".bias") : std::vector<float>());
    step.run = source.run;
    step.inputs = static_cast<std::int32_t>(shape(node(product).inputs[0]).channels);
    step.outputs = static_cast<std::int32_t>(linear.channels);
    step.weight = read_(prefix + ".weight");
    step.activation = activation;
    step.input_list = value(source.value).gate;
    step.constants = value(source.value).constants;
    step.output = new_value(shape(chain.nodes.back()));
    sources_[static_cast<std::size_t>(chain.nodes.back())] = {step.output};
    network_.steps.push_back({node(product).name, product, std::move(step)});
  }

  /// A node that no product took along.
  void lower_node(std::int32_t index) {
    const Node& lowered = node(index);
    Source& here = sources_[static_cast<std::size_t>(index)];
    if (is<Input>(lowered)) {
      here = {new_value(shape(index))};
      return;
    }
    const std::int32_t input = lowered.inputs[0];
    if (is<Dropout>(lowered)) {
      here = sources_[static_cast<std::size_t>(input)];
    } else if (is<Flatten>(lowered)) {
      if (sources_[static_cast<std::size_t>(input)].scale >= 0) full_value(input);
      here = sources_[static_cast<std::size_t>(input)];
      here.run = static_cast<std::int32_t>(shape(input).height * shape(input).width);
    } else if (is<Gate>(lowered) && shape(index).is_image()) {
      lower_input_gate(index);
    } else if (is<MaxPool>(lowered) || is<AveragePool>(lowered)) {
      lower_pool(index);
    } else {
      lower_elementwise(index);
    }
  }

  /// A gate that stands before its convolution multiplies there.
  void lower_input_gate(std::int32_t index) {
    const std::int32_t input = node(index).inputs[0];
    const std::int32_t position = use_gate(index);
    Source source = sources_[static_cast<std::size_t>(input)];
    if (source.scale >= 0 || value(source.value).gate != position) source = {full_value(input)};
    sources_[static_cast<std::size_t>(index)] = {source.value, position};
  }

  void lower_pool(std::int32_t index) {
    const std::int32_t input = node(index).inputs[0];
    if (sources_[static_cast<std::size_t>(input)].scale >= 0) full_value(input);
    const std::int32_t from = sources_[static_cast<std::size_t>(input)].value;
    PoolStep step{from, new_value(shape(index)), value(from).gate};
    if (const auto* pool = std::get_if<MaxPool>(&node(index).operation)) {
      step.kernel = static_cast<std::int32_t>(pool->kernel);
      step.stride = static_cast<std::int32_t>(pool->stride);
      step.padding = static_cast<std::int32_t>(pool->padding);
    } else {
      step.average = true;
    }
    value(step.output).gate = value(from).gate;
    value(step.output).constants = value(from).constants;
    value(step.output).rectified = value(from).rectified;
    sources_[static_cast<std::size_t>(index)] = {step.output};
    network_.steps.push_back({node(index).name, index, step});
  }

  void lower_elementwise(std::int32_t index) {
    const Node& lowered = node(index);
    ElementwiseStep step{full_value(lowered.inputs[0]), -1};
    // A flattened image is a vector here: each feature is a channel of its own.
    if (is<Add>(lowered)) step.residual = full_value(lowered.inputs[1]);
    if (const auto* norm = std::get_if<BatchNorm>(&lowered.operation)) {
      step.affine = identity(shape(index).channels);
      append(step.affine, *norm, index);
    }
    if (is<Gate>(lowered)) {
      step.affine = identity(shape(index).channels);
      step.affine.gate = use_gate(index);
    }
    if (is_activation(lowered)) step.activation = activation_of(lowered);
    step.output = new_value(shape(index));
    sources_[static_cast<std::size_t>(index)] = {step.output};
    network_.steps.push_back({lowered.name, index, std::move(step)});
  }

  const Architecture& architecture_;
  bool skip_;
  const ReadParameter& read_;
  std::vector<Shape> shapes_;
  GateReach reach_;
  std::vector<std::int32_t> gate_positions_;
  std::vector<bool> heads_made_;
  std::vector<Source> sources_;
  ProductChains chains_;
  LoweredNetwork network_;
};

}  // namespace

LoweredNetwork lower(const Architecture& architecture, std::int64_t image_size, bool skip,
                     const ReadParameter& read) {
  return Lowering(architecture, image_size, skip, read).lower();
}

}  // namespace deepmoe
