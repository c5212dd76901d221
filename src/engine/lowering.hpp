#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "architecture/architecture.hpp"
#include "engine/geometry.hpp"

namespace deepmoe {

/// What the network computes between steps, for one sample.
struct Value {
  Shape shape;
  /// Position of the gate whose active experts' channels alone are stored, or -1: all are.
  std::int32_t gate = -1;
  /// What the other channels hold; empty: zero.
  std::vector<float> constants;
  bool rectified = false;  ///< no number of it is negative
};

/// y = activate((g * scale) * x + (g * gated_offset + offset)) by channel; g is 1 without a gate. Batch
/// norms, a bias and a gate in any order.
struct Affine {
  std::vector<float> scale, gated_offset, offset;
  std::int32_t gate = -1;
};

enum class Activation { none, relu, gelu };

/// Computes gates from the embedding.
struct HeadStep {
  std::int32_t gate, embedding;
  std::vector<float> weight, bias;  ///< (experts, embedding_dim); bias may be empty
  std::int32_t active_limit = 0;    ///< the largest gates that stay, 0: all
};
struct ConvolutionStep {
  std::int32_t input, output, residual = -1;
  std::int32_t input_scale = -1;  ///< a gate that multiplies the input's channels, or -1
  std::int32_t input_list = -1;   ///< the gate that lists the channels to read, or -1
  std::int32_t output_list = -1;  ///< and those to compute
  Geometry geometry{};
  std::vector<float> weight{};     ///< given up when it is packed
  std::vector<float> constants{};  ///< of the input's channels that are not listed; empty: zero
  Affine affine{};
  Activation activation = Activation::none;
};
struct LinearStep {
  std::int32_t input, output, residual = -1;
  std::int32_t input_list = -1;
  std::int32_t run = 1;  ///< features of one listed channel
  std::int32_t inputs = 0, outputs = 0;
  std::vector<float> weight{}, constants{};  ///< constants: one a channel
  Affine affine{};
  Activation activation = Activation::none;
};
struct PoolStep {
  std::int32_t input, output, list = -1;
  bool average = false;
  std::int32_t kernel = 0, stride = 1, padding = 0;  ///< of a max pool; an average pool is adaptive
};
/// Affine, sum with another value, activation: what no product could take along.
struct ElementwiseStep {
  std::int32_t input, output, residual = -1, list = -1;
  Affine affine{};  ///< empty vectors: the identity
  Activation activation = Activation::none;
};
/// Writes the constants of a value's channels that were not computed.
struct FillStep {
  std::int32_t value;
  std::int32_t list;
  std::vector<float> constants;
};

using StepOperation =
    std::variant<HeadStep, ConvolutionStep, LinearStep, PoolStep, ElementwiseStep, FillStep>;

struct Step {
  std::string name;  ///< the node that gives the step its name: the convolution, not its batch norm
  std::int32_t node = -1;
  StepOperation operation;
};

/// A network as steps in the order of their computation. Value 0 is the image.
struct LoweredNetwork {
  std::vector<Value> values;
  std::vector<Step> steps;
  std::int32_t logits = -1, embedding = -1, embedding_logits = -1;  ///< values, or -1
  std::vector<std::int32_t> experts;                                ///< of each gate
};

/// Gives the numbers of one parameter or buffer, by its name in the state_dict.
using ReadParameter = std::function<std::vector<float>(const std::string& name)>;

/// Lowers a validated architecture for images of image_size x image_size. With `skip`, channels of inactive
/// experts are neither computed nor read: they hold constants that are carried through batch norm, activation
/// and pool (DESIGN section 10). Without it every channel is computed, and gates only multiply.
LoweredNetwork lower(const Architecture& architecture, std::int64_t image_size, bool skip,
                     const ReadParameter& read);

}  // namespace deepmoe
