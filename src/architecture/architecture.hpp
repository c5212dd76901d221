#pragma once

/// The door of src/architecture: the network as plain data, its builders and its readers.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "options/options.hpp"

namespace deepmoe {

// The operations. Tensors are images (channels, height, width) or vectors (channels); the batch is left out.

struct Input {};
/// A square convolution without groups; parameters `weight` (channels, inputs, kernel, kernel) and `bias`.
struct Convolution {
  std::int64_t channels, kernel, stride = 1, padding = 0;
  bool bias = false;
};
/// Batch norm over channels of an image or a vector; `weight` and `bias` when affine, and running statistics.
struct BatchNorm {
  bool affine = true;
  double epsilon = 1e-5, momentum = 0.1;
};
struct Relu {};
/// The exact GELU (with erf).
struct Gelu {};
/// Multiplies input 0 channel-wise by ReLU(influence W e [+ b]) where e is input 1, the embedding. Parameters
/// `fc.weight` (channels, embedding_dim) and `fc.bias`.
struct Gate {
  bool bias = false;
  /// Experts that stay active for a sample at most: those with the largest gates, of equals the first; the
  /// others' gates are 0. 0: no limit.
  std::int64_t active_limit = 0;
  double influence = 1.0;
};
struct MaxPool {
  std::int64_t kernel, stride, padding = 0;
};
/// Adaptive average pool to output_size x output_size.
struct AveragePool {
  std::int64_t output_size = 1;
};
struct Flatten {};
/// Parameters `weight` (channels, inputs) and `bias`.
struct Linear {
  std::int64_t channels;
  bool bias = true;
};
struct Dropout {
  double probability = 0.5;
};
struct Add {};

using Operation = std::variant<Input, Convolution, BatchNorm, Relu, Gelu, Gate, MaxPool, AveragePool, Flatten,
                               Linear, Dropout, Add>;

/// The operation's name in JSON and texts: input, conv, batch_norm, relu, gelu, gate, max_pool, avg_pool,
/// flatten, linear, dropout, add.
std::string_view operation_name(const Operation& operation);

struct Node {
  std::string name;  ///< unique, e.g. "layer1.0.conv1"
  Operation operation;
  std::vector<std::int32_t> inputs;  ///< indices of earlier nodes
  std::string parameters;  ///< prefix of its state_dict names, e.g. "layer1.0.conv1.conv_layer"; may be empty
};

/// Shape of one node's output for one sample; height and width are 0 for a vector.
struct Shape {
  std::int64_t channels = 0, height = 0, width = 0;
  bool is_image() const { return height > 0; }
  std::int64_t elements() const { return is_image() ? channels * height * width : channels; }
  bool operator==(const Shape&) const = default;
};

/// A network as data: nodes in topological order, the first being the only `input`. Plain value; reading one
/// from several threads is safe.
struct Architecture {
  std::string model;  ///< e.g. "resnet18_moe"; free for custom ones
  std::int64_t image_channels = 3;
  /// What MACs and shapes are stated for; other sizes from minimum_image_size() on run too.
  std::int64_t image_size = 32;
  std::vector<Node> nodes;
  std::int32_t logits = -1;            ///< node index
  std::int32_t embedding = -1;         ///< node index of the vector the heads read, -1 in a dense network
  std::int32_t embedding_logits = -1;  ///< node index, -1 in a dense network

  bool gated() const { return embedding >= 0; }
  std::int64_t num_classes() const;
  /// Indices of the gate nodes in network order.
  std::vector<std::int32_t> gates() const;
};

/// The names `build_architecture` knows: resnet18 ... vgg19_bn_moe.
const std::vector<std::string>& model_names();

/// Builds the architecture that the options describe: model, num_classes, image_size (both must be resolved,
/// that is not 0), width, wide, variant, embedding_dim, embedding_layers, gate_position, gate_bias,
/// embedding_norm, embedding_influence, and what selected_limits reads (gate_selection.hpp). Errors:
/// not_found for an unknown model (with the nearest name), invalid_argument for what cannot be built.
Architecture build_architecture(const Options& options);

/// Checks everything that a reader relies on (topological order, number and kind of inputs, shapes, unique
/// names and parameter names, outputs) and throws Error(format) naming the node and the reason.
void validate(const Architecture& architecture);

/// Each node's output shape for images of image_size x image_size (the architecture's own when 0). Throws
/// Error(invalid_argument) when the image is too small for the network.
std::vector<Shape> infer_shapes(const Architecture& architecture, std::int64_t image_size = 0);

/// The smallest image that fits: from this size on, infer_shapes finds no image too small.
std::int64_t minimum_image_size(const Architecture& architecture);

/// One entry of the state_dict.
struct ParameterSpecification {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int32_t node;
  bool trainable;   ///< false: a buffer (running statistics)
  bool is_integer;  ///< num_batches_tracked: a scalar of int64
};
/// The state_dict's entries in node order; batch norm gives weight, bias, running_mean, running_var,
/// num_batches_tracked.
std::vector<ParameterSpecification> parameter_specifications(const Architecture& architecture);

// JSON: {"format": 1, "model", "image_channels", "image_size", "nodes": [{"name", "operation", "inputs":
// [names], "parameters", attributes...}], "outputs": {"logits": name, "embedding": name, "embedding_logits":
// name}}.
nlohmann::json to_json(const Architecture& architecture);
/// Reads what to_json writes and validates it. Unknown operations, attributes or members are an
/// Error(format).
Architecture architecture_from_json(const nlohmann::json& json);

/// What one node costs for one sample of the architecture's image size.
struct NodeCost {
  std::int64_t parameters = 0;  ///< trainable numbers
  /// With every expert active. Convolutions, linear layers and gate heads count, as is usual.
  std::int64_t dense_macs = 0;
  /// Position in gates() of the gate that decides this node's input channels, or -1.
  std::int32_t input_gate = -1;
  std::int32_t output_gate = -1;  ///< the same for its output channels
};
struct Cost {
  std::vector<NodeCost> nodes;
  std::int64_t parameters = 0, dense_macs = 0;                ///< of everything
  std::int64_t trunk_parameters = 0, trunk_macs = 0;          ///< convolutions, norms and classifier
  std::int64_t gating_parameters = 0, gating_macs = 0;        ///< gate heads
  std::int64_t embedding_parameters = 0, embedding_macs = 0;  ///< embedding network with its classifier
};
Cost cost(const Architecture& architecture, std::int64_t image_size = 0);

/// MACs of one sample given the fraction of active experts per gate (in the order of gates(); 0..1):
/// dense_macs of a node times the fractions of its input and output gates (in a basic block the first
/// convolution costs d, the second d*d of the dense cost).
double active_macs(const Architecture& architecture, const Cost& cost, const std::vector<double>& densities);

/// A table for people: one line a node with shape, parameters, MACs; then the totals.
std::string to_text(const Architecture& architecture);
/// The same as JSON, for `deepmoe info --json`.
nlohmann::json describe(const Architecture& architecture);

}  // namespace deepmoe
