#include "export/onnx_builder.hpp"

#include <cmath>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/base.hpp"
#include "export/adaptive_pool.hpp"

namespace deepmoe {
namespace {

/// Lets std::visit take one lambda for each operation.
template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

/// Whether the network takes images of one size only, or pools in a way that ONNX has for one size only.
bool needs_one_size(const Architecture& architecture) {
  for (const Node& node : architecture.nodes) {
    const auto* pool = std::get_if<AveragePool>(&node.operation);
    if (pool != nullptr && pool->output_size != 1) return true;
  }
  try {
    infer_shapes(architecture, 2 * architecture.image_size);
    return false;
  } catch (const Error&) {
    return true;
  }
}

class OnnxBuilder {
 public:
  OnnxBuilder(const Architecture& architecture, const std::vector<TensorView>& weights,
              const OnnxSettings& settings)
      : architecture_(architecture), settings_(settings) {
    for (const TensorView& tensor : weights) weights_.emplace(tensor.name, &tensor);
    for (const ParameterSpecification& specification : parameter_specifications(architecture)) {
      check(specification);
    }
  }

  OnnxGraph build() {
    choose_size();
    names_.insert("input");
    name_outputs();
    graph_.name = architecture_.model;
    graph_.metadata = settings_.metadata;
    values_.resize(architecture_.nodes.size());
    for (std::size_t index = 0; index < architecture_.nodes.size(); ++index) convert(index);
    return std::move(graph_);
  }

 private:
  void check(const ParameterSpecification& specification) const {
    if (specification.is_integer) return;
    const auto found = weights_.find(specification.name);
    if (found == weights_.end()) {
      fail(ErrorCode::invalid_argument, "the weights lack tensor '", specification.name, "' of the network '",
           architecture_.model, "'");
    }
    if (found->second->type != DataType::f32 || found->second->shape != specification.shape) {
      fail(ErrorCode::invalid_argument, "tensor '", specification.name, "' of the weights is not F32 of the ",
           "shape that the network '", architecture_.model, "' needs");
    }
  }

  /// Sets size_, 0 where height and width stay open.
  void choose_size() {
    const bool one_size = needs_one_size(architecture_);
    size_ = settings_.image_size != 0 || !one_size ? settings_.image_size : architecture_.image_size;
    shapes_ = infer_shapes(architecture_, size_);
  }

  void name_outputs() {
    add_output(architecture_.logits, "logits");
    if (!settings_.gates) return;
    if (!architecture_.gated()) {
      fail(ErrorCode::invalid_argument, "the network '", architecture_.model,
           "' is dense and has no gates to give; leave the setting `gates` out");
    }
    add_output(architecture_.embedding, "embedding");
    if (architecture_.embedding_logits >= 0) add_output(architecture_.embedding_logits, "embedding_logits");
    for (const std::int32_t gate : architecture_.gates()) {
      const Node& node = architecture_.nodes[static_cast<std::size_t>(gate)];
      declare_output("gate." + node.name, shapes_[static_cast<std::size_t>(gate)].channels);
    }
  }

  void add_output(std::int32_t node, const std::string& name) {
    outputs_[static_cast<std::size_t>(node)].push_back(name);
    declare_output(name, shapes_[static_cast<std::size_t>(node)].channels);
  }

  void declare_output(const std::string& name, std::int64_t channels) {
    graph_.outputs.push_back({name, {std::string("batch"), channels}});
    names_.insert(name);
  }

  /// The name, or one like it that nothing else has: an architecture may call its nodes and parameters as it
  /// likes.
  std::string fresh(std::string name) {
    while (!names_.insert(name).second) name += '_';
    return name;
  }

  /// What the node's own value is called.
  std::string value_name(std::size_t index) {
    const auto found = outputs_.find(index);
    return found != outputs_.end() ? found->second.front() : fresh("/" + architecture_.nodes[index].name);
  }

  void add_node(const std::string& operation, const std::string& name, std::vector<std::string> inputs,
                std::string output, std::map<std::string, OnnxAttribute> attributes = {}) {
    graph_.nodes.push_back({operation, name, std::move(inputs), {std::move(output)}, std::move(attributes)});
  }

  /// A further step of a node with several; returns its value.
  std::string step(const Node& node, const std::string& operation, const std::string& suffix,
                   std::vector<std::string> inputs, std::map<std::string, OnnxAttribute> attributes = {}) {
    std::string output = fresh("/" + node.name + "/" + suffix);
    add_node(operation, node.name + "/" + suffix, std::move(inputs), output, std::move(attributes));
    return output;
  }

  // Constants.

  std::string parameter(const Node& node, const char* suffix) {
    const TensorView& tensor = *weights_.at(node.parameters + "." + suffix);
    graph_.constants.push_back({fresh(tensor.name), OnnxType::f32, tensor.shape, tensor.data});
    return graph_.constants.back().name;
  }

  template <class Number>
  std::string constant(const std::string& name, std::vector<std::int64_t> shape,
                       const std::vector<Number>& numbers) {
    const auto [known, is_new] = own_constants_.try_emplace(name);
    if (!is_new) return known->second;
    known->second = fresh(name);
    const std::span<const std::byte> bytes = std::as_bytes(std::span(numbers));
    std::vector<std::byte>& kept = graph_.storage.emplace_back(bytes.begin(), bytes.end());
    constexpr OnnxType type = std::is_same_v<Number, float> ? OnnxType::f32 : OnnxType::i64;
    graph_.constants.push_back({known->second, type, std::move(shape), kept});
    return known->second;
  }

  std::string scalar(const std::string& name, float value) { return constant<float>(name, {}, {value}); }

  // Nodes.

  void convert(std::size_t index) {
    const Node& node = architecture_.nodes[index];
    values_[index] = value_name(index);
    std::vector<std::string> inputs;
    for (const std::int32_t input : node.inputs) inputs.push_back(values_[static_cast<std::size_t>(input)]);
    std::visit(Overloaded{
                   [&](const Input&) { convert_input(index); },
                   [&](const Convolution& convolution) { convert_convolution(index, inputs, convolution); },
                   [&](const BatchNorm& norm) { convert_norm(index, inputs, norm); },
                   [&](const Relu&) { add_node("Relu", node.name, inputs, values_[index]); },
                   [&](const Gelu&) { convert_gelu(index, inputs); },
                   [&](const Gate& gate) { convert_gate(index, inputs, gate); },
                   [&](const MaxPool& pool) {
                     add_node("MaxPool", node.name, inputs, values_[index],
                              window(pool.kernel, pool.stride, pool.padding));
                   },
                   [&](const AveragePool& pool) { convert_average_pool(index, inputs, pool); },
                   [&](const Flatten&) {
                     add_node("Flatten", node.name, inputs, values_[index], {{"axis", std::int64_t{1}}});
                   },
                   [&](const Linear& linear) {
                     inputs.push_back(parameter(node, "weight"));
                     if (linear.bias) inputs.push_back(parameter(node, "bias"));
                     add_node("Gemm", node.name, inputs, values_[index], {{"transB", std::int64_t{1}}});
                   },
                   [&](const Dropout&) { pass_on(index, inputs[0]); },
                   [&](const Add&) { add_node("Add", node.name, inputs, values_[index]); },
               },
               node.operation);
    const auto named = outputs_.find(index);
    for (std::size_t i = 1; named != outputs_.end() && i < named->second.size(); ++i) {
      add_node("Identity", node.name + "/" + named->second[i], {values_[index]}, named->second[i]);
    }
  }

  /// A node that does nothing in evaluation.
  void pass_on(std::size_t index, const std::string& value) {
    if (outputs_.count(index) != 0) {
      add_node("Identity", architecture_.nodes[index].name, {value}, values_[index]);
    } else {
      values_[index] = value;
    }
  }

  void convert_input(std::size_t index) {
    OnnxValue input{"input", {std::string("batch"), architecture_.image_channels}};
    for (const char* extent : {"height", "width"}) {
      if (size_ == 0) {
        input.shape.emplace_back(std::string(extent));
      } else {
        input.shape.emplace_back(size_);
      }
    }
    graph_.inputs.push_back(std::move(input));
    pass_on(index, "input");
  }

  static std::map<std::string, OnnxAttribute> window(std::int64_t kernel, std::int64_t stride,
                                                     std::int64_t padding) {
    using Integers = std::vector<std::int64_t>;
    return {{"kernel_shape", Integers{kernel, kernel}},
            {"strides", Integers{stride, stride}},
            {"pads", Integers(4, padding)}};
  }

  void convert_convolution(std::size_t index, std::vector<std::string> inputs,
                           const Convolution& convolution) {
    const Node& node = architecture_.nodes[index];
    inputs.push_back(parameter(node, "weight"));
    if (convolution.bias) inputs.push_back(parameter(node, "bias"));
    add_node("Conv", node.name, std::move(inputs), values_[index],
             window(convolution.kernel, convolution.stride, convolution.padding));
  }

  void convert_norm(std::size_t index, std::vector<std::string> inputs, const BatchNorm& norm) {
    const Node& node = architecture_.nodes[index];
    if (norm.affine) {
      inputs.push_back(parameter(node, "weight"));
      inputs.push_back(parameter(node, "bias"));
    } else {
      const std::int64_t channels = shapes_[index].channels;
      const auto count = static_cast<std::size_t>(channels);
      inputs.push_back(constant("/" + node.name + "/weight", {channels}, std::vector<float>(count, 1.0F)));
      inputs.push_back(constant("/" + node.name + "/bias", {channels}, std::vector<float>(count, 0.0F)));
    }
    inputs.push_back(parameter(node, "running_mean"));
    inputs.push_back(parameter(node, "running_var"));
    add_node("BatchNormalization", node.name, std::move(inputs), values_[index], {{"epsilon", norm.epsilon}});
  }

  /// x (1 + erf(x / sqrt 2)) / 2: the operator set has no GELU yet, and runtimes know this form.
  void convert_gelu(std::size_t index, const std::vector<std::string>& inputs) {
    const Node& node = architecture_.nodes[index];
    const std::string root = scalar("/sqrt_2", std::sqrt(2.0F));
    const std::string scaled = step(node, "Div", "div", {inputs[0], root});
    const std::string erf = step(node, "Erf", "erf", {scaled});
    const std::string sum = step(node, "Add", "add", {erf, scalar("/one", 1.0F)});
    const std::string product = step(node, "Mul", "mul", {inputs[0], sum});
    add_node("Mul", node.name, {product, scalar("/half", 0.5F)}, values_[index]);
  }

  void convert_gate(std::size_t index, const std::vector<std::string>& inputs, const Gate& gate) {
    const Node& node = architecture_.nodes[index];
    std::vector<std::string> head = {inputs[1], parameter(node, "fc.weight")};
    if (gate.bias) head.push_back(parameter(node, "fc.bias"));
    std::map<std::string, OnnxAttribute> product = {{"transB", std::int64_t{1}}};
    if (gate.influence != 1.0) product.insert({"alpha", gate.influence});
    const std::string scores = step(node, "Gemm", "fc", std::move(head), std::move(product));
    std::string gates = settings_.gates ? "gate." + node.name : fresh("/" + node.name + "/gates");
    if (gate.active_limit > 0 && gate.active_limit < shapes_[index].channels) {
      keep_largest(node, step(node, "Relu", "relu", {scores}), gate.active_limit, gates);
    } else {
      add_node("Relu", node.name + "/relu", {scores}, gates);
    }
    if (shapes_[index].is_image()) {
      const std::string axes = constant<std::int64_t>("/plane_axes", {2}, {2, 3});
      gates = step(node, "Unsqueeze", "unsqueeze", {gates, axes});
    }
    add_node("Mul", node.name, {inputs[0], gates}, values_[index]);
  }

  /// The largest values of each row, of equals the first, where they were, and 0 elsewhere.
  void keep_largest(const Node& node, const std::string& values, std::int64_t count,
                    const std::string& output) {
    const std::string limit = constant<std::int64_t>(concat("/limit_", count), {1}, {count});
    const std::string largest = fresh("/" + node.name + "/largest"),
                      places = fresh("/" + node.name + "/places");
    graph_.nodes.push_back(
        {"TopK", node.name + "/topk", {values, limit}, {largest, places}, {{"axis", std::int64_t{1}}}});
    const std::string zeros = step(node, "Mul", "zeros", {values, scalar("/zero", 0.0F)});
    add_node("ScatterElements", node.name + "/scatter", {zeros, places, largest}, output,
             {{"axis", std::int64_t{1}}});
  }

  void convert_average_pool(std::size_t index, const std::vector<std::string>& inputs,
                            const AveragePool& pool) {
    const Node& node = architecture_.nodes[index];
    if (pool.output_size == 1) {
      add_node("GlobalAveragePool", node.name, inputs, values_[index]);
      return;
    }
    // The plane is a square, as the image is.
    const std::int64_t side = shapes_[static_cast<std::size_t>(node.inputs[0])].height;
    if (side == pool.output_size) {
      pass_on(index, inputs[0]);
    } else if (side % pool.output_size == 0) {
      const std::int64_t kernel = side / pool.output_size;
      add_node("AveragePool", node.name, inputs, values_[index], window(kernel, kernel, 0));
    } else {
      // Windows of different sizes that overlap, as two products: rows, then columns.
      const std::int64_t size = pool.output_size;
      const std::vector<float> matrix = adaptive_pool_matrix(side, size);
      std::vector<float> transposed(matrix.size());
      for (std::int64_t row = 0; row < size; ++row) {
        for (std::int64_t column = 0; column < side; ++column) {
          transposed[static_cast<std::size_t>(column * size + row)] =
              matrix[static_cast<std::size_t>(row * side + column)];
        }
      }
      const std::string left = constant("/" + node.name + "/rows", {size, side}, matrix);
      const std::string right = constant("/" + node.name + "/columns", {side, size}, transposed);
      const std::string rows = step(node, "MatMul", "pool_rows", {left, inputs[0]});
      add_node("MatMul", node.name, {rows, right}, values_[index]);
    }
  }

  const Architecture& architecture_;
  const OnnxSettings& settings_;
  std::unordered_map<std::string, const TensorView*> weights_;
  std::int64_t size_ = 0;
  std::vector<Shape> shapes_;                                ///< for images of size_
  std::map<std::size_t, std::vector<std::string>> outputs_;  ///< by node
  std::set<std::string> names_;
  std::map<std::string, std::string> own_constants_;  ///< what each is called in the graph
  std::vector<std::string> values_;                   ///< by node
  OnnxGraph graph_;
};

}  // namespace

OnnxGraph build_onnx_graph(const Architecture& architecture, const std::vector<TensorView>& weights,
                           const OnnxSettings& settings) {
  return OnnxBuilder(architecture, weights, settings).build();
}

}  // namespace deepmoe
