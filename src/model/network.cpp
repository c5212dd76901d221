#include "model/network.hpp"

#include <c10/core/DispatchKeySet.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <cstddef>
#include <utility>

#include "base/base.hpp"
#include "model/convolution.hpp"
#include "model/convolution_layout.hpp"
#include "model/device.hpp"
#include "model/norm_chain.hpp"

namespace deepmoe {
namespace {

/// Lets std::visit take one lambda for each operation.
template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

/// The operations whose backward pass needs their own output, so that a following node must not overwrite it.
bool saves_output(const Operation& operation) {
  return std::holds_alternative<Relu>(operation) || std::holds_alternative<MaxPool>(operation) ||
         std::holds_alternative<Input>(operation);
}

/// Which nodes only serve the embedding: those from which every path ends in the embedding or its classifier.
std::vector<bool> find_embedding_nodes(const Architecture& architecture) {
  std::vector<bool> marked(architecture.nodes.size(), false);
  if (!architecture.gated()) return marked;
  std::vector<std::int32_t> pending{architecture.embedding};
  if (architecture.embedding_logits >= 0) pending.push_back(architecture.embedding_logits);
  while (!pending.empty()) {
    const auto index = static_cast<std::size_t>(pending.back());
    pending.pop_back();
    if (marked[index] || std::holds_alternative<Input>(architecture.nodes[index].operation)) continue;
    marked[index] = true;
    for (const std::int32_t input : architecture.nodes[index].inputs) pending.push_back(input);
  }
  return marked;
}

at::ScalarType entry_type(const ParameterSpecification& specification) {
  return specification.is_integer ? at::kLong : at::kFloat;
}

/// 1 at the `count` largest values of each row, of equals the first, and 0 elsewhere.
at::Tensor largest_of_each_row(const at::Tensor& values, std::int64_t count) {
  const c10::NoGradGuard no_gradient;
  const at::Tensor order = at::argsort(values, /*stable=*/true, /*dim=*/1, /*descending=*/true);
  return at::zeros_like(values).scatter_(1, order.narrow(1, 0, count), 1.0);
}

}  // namespace

Network::Network(const Architecture& architecture, const at::Device& device, Layout layout,
                 std::uint64_t seed)
    : architecture_(architecture),
      device_(device),
      layout_(layout),
      groups_(find_norm_groups(architecture)),
      plan_(architecture.nodes.size()),
      embedding_nodes_(find_embedding_nodes(architecture)),
      generator_(make_generator(device, seed)) {
  std::int32_t last_node = -1;
  for (ParameterSpecification& specification : parameter_specifications(architecture)) {
    if (specification.node != last_node) {
      last_node = specification.node;
      plan_[static_cast<std::size_t>(last_node)].first_parameter = state_.size();
    }
    at::Tensor tensor =
        at::empty(specification.shape, at::TensorOptions(device).dtype(entry_type(specification)));
    tensor.set_requires_grad(specification.trainable);
    state_.push_back({std::move(specification), std::move(tensor)});
  }

  plan_nodes();
}

void Network::plan_nodes() {
  const std::vector<Node>& nodes = architecture_.nodes;
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    const NormGroup& members = groups_[group];
    for (const std::int32_t member : {members.norm, members.gate, members.add, members.relu, members.pool}) {
      if (member >= 0) plan_[static_cast<std::size_t>(member)].group = static_cast<std::int32_t>(group);
    }
  }
  const std::vector<std::int32_t> readers = count_readers(architecture_);
  std::vector<std::size_t> last_reader(nodes.size(), 0);
  for (std::size_t index = 0; index < nodes.size(); ++index) {
    for (const std::int32_t input : nodes_read_by(index))
      last_reader[static_cast<std::size_t>(input)] = index;
  }
  for (std::size_t index = 0; index < nodes.size(); ++index) {
    const Node& node = nodes[index];
    if (std::holds_alternative<Relu>(node.operation)) {
      const auto input = static_cast<std::size_t>(node.inputs[0]);
      plan_[index].in_place = readers[input] == 1 && !saves_output(nodes[input].operation);
    }
    if (std::holds_alternative<MaxPool>(node.operation)) {
      // ReLU and maximum may change places, and the pool's output is the smaller tensor.
      const auto input = static_cast<std::size_t>(node.inputs[0]);
      const bool swap = readers[input] == 1 && std::holds_alternative<Relu>(nodes[input].operation) &&
                        plan_[input].group < 0;
      plan_[index].after_pool = plan_[input].after_pool = swap;
    }
    if (last_reader[index] > 0) {
      plan_[last_reader[index]].release_after.push_back(static_cast<std::int32_t>(index));
    }
  }
}

/// The nodes whose values are needed when `index` is evaluated.
std::vector<std::int32_t> Network::nodes_read_by(std::size_t index) const {
  const Node& node = architecture_.nodes[index];
  if (plan_[index].group < 0) return node.inputs;
  const NormGroup& group = groups_[static_cast<std::size_t>(plan_[index].group)];
  std::vector<std::int32_t> read;
  if (std::holds_alternative<Gate>(node.operation)) read.push_back(node.inputs[1]);
  if (static_cast<std::int32_t>(index) == group.last) {
    read.push_back(group.input);
    for (const std::int32_t other : {group.gate, group.residual}) {
      if (other >= 0 && other != group.last) read.push_back(other);
    }
  }
  return read;
}

Network::Outputs Network::forward(const at::Tensor& images, bool training) {
  if (images.dim() != 4 || images.size(1) != architecture_.image_channels) {
    fail(ErrorCode::invalid_argument, "images must have the shape (N, ", architecture_.image_channels,
         ", height, width), but have ", concat(images.sizes()));
  }
  Values values(architecture_.nodes.size());
  Outputs outputs;
  for (std::size_t index = 0; index < architecture_.nodes.size(); ++index) {
    const auto position = static_cast<std::int32_t>(index);
    if (plan_[index].group >= 0) {
      const NormGroup& group = groups_[static_cast<std::size_t>(plan_[index].group)];
      if (position == group.gate) values[index] = evaluate_gates(index, values, outputs);
      if (position == group.last) values[index] = evaluate_group(group, values, training);
    } else if (std::holds_alternative<Input>(architecture_.nodes[index].operation)) {
      values[index] = laid_out(images);
    } else {
      values[index] = evaluate(index, values, training, outputs);
    }
    if (position == architecture_.logits) outputs.logits = values[index].to(at::kFloat);
    if (position == architecture_.embedding) outputs.embedding = values[index].to(at::kFloat);
    if (position == architecture_.embedding_logits) outputs.embedding_logits = values[index].to(at::kFloat);
    for (const std::int32_t finished : plan_[index].release_after)
      values[static_cast<std::size_t>(finished)].reset();
  }
  return outputs;
}

at::Tensor Network::laid_out(const at::Tensor& images) const {
  const bool last = layout_ == Layout::channels_last || (layout_ == Layout::fastest && !device_.is_cpu());
  return last ? images.contiguous(at::MemoryFormat::ChannelsLast) : images;
}

at::Tensor Network::laid_out(const at::Tensor& input, std::size_t index,
                             const Convolution& convolution) const {
  if (layout_ != Layout::fastest || !device_.is_cpu()) return input;
  return input.contiguous(embedding_nodes_[index] ? fastest_embedding_layout(input)
                                                  : fastest_layout(input, convolution));
}

at::Tensor Network::evaluate(std::size_t index, const Values& values, bool training, Outputs& outputs) {
  const Node& node = architecture_.nodes[index];
  const at::Tensor& input = values[static_cast<std::size_t>(node.inputs[0])];
  const auto parameter = [&](std::size_t offset) -> const at::Tensor& {
    return state_[plan_[index].first_parameter + offset].tensor;
  };
  return std::visit(
      Overloaded{
          [&](const Input&) -> at::Tensor { return input; },
          [&](const Convolution& convolution) {
            const std::optional<at::Tensor> bias =
                convolution.bias ? std::optional<at::Tensor>(parameter(1)) : std::nullopt;
            return convolve(laid_out(input, index, convolution), parameter(0), bias, convolution);
          },
          [&](const BatchNorm&) -> at::Tensor {
            fail(ErrorCode::internal, "batch norm '", node.name, "' is not part of a group");
          },
          [&](const Relu&) {
            if (plan_[index].after_pool) return input;
            if (plan_[index].in_place) {
              at::Tensor overwritten = input;
              return overwritten.relu_();
            }
            return at::relu(input);
          },
          [&](const Gelu&) { return at::gelu(input); },
          [&](const Gate&) {
            const at::Tensor gates = evaluate_gates(index, values, outputs).to(input.scalar_type());
            return at::mul(input, input.dim() == 4 ? gates.unsqueeze(2).unsqueeze(3) : gates);
          },
          [&](const MaxPool& pool) {
            at::Tensor pooled = at::max_pool2d(input, pool.kernel, pool.stride, pool.padding);
            return plan_[index].after_pool ? pooled.relu_() : pooled;
          },
          [&](const AveragePool& pool) -> at::Tensor {
            // A mean that is kept in f32 costs nothing, and the gates behind it are then exact.
            if (pool.output_size == 1) return input.mean({2, 3}, true, at::kFloat);
            return at::adaptive_avg_pool2d(input, {pool.output_size, pool.output_size});
          },
          [&](const Flatten&) { return input.flatten(1); },
          [&](const Linear& linear) {
            const std::optional<at::Tensor> bias =
                linear.bias ? std::optional<at::Tensor>(parameter(1)) : std::nullopt;
            return at::linear(input, parameter(0), bias);
          },
          [&](const Dropout& drop) { return training ? dropout(input, drop.probability) : input; },
          [&](const Add&) { return at::add(input, values[static_cast<std::size_t>(node.inputs[1])]); },
      },
      node.operation);
}

at::Tensor Network::evaluate_gates(std::size_t index, const Values& values, Outputs& outputs) {
  const Node& node = architecture_.nodes[index];
  const auto parameter = [&](std::size_t offset) {
    return state_[plan_[index].first_parameter + offset].tensor;
  };
  const Gate& attributes = std::get<Gate>(node.operation);
  std::optional<at::Tensor> bias;
  if (attributes.bias) bias = parameter(1);
  const at::Tensor& embedding = values[static_cast<std::size_t>(node.inputs[1])];
  // Rounded to bf16 the gates of evaluation and training would differ, and which of them are zero matters.
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  at::Tensor influencing = embedding.to(at::kFloat);
  if (attributes.influence != 1.0) influencing = influencing * attributes.influence;
  at::Tensor gates = at::relu(at::linear(influencing, parameter(0), bias));
  if (attributes.active_limit > 0 && attributes.active_limit < gates.size(1)) {
    gates = gates * largest_of_each_row(gates, attributes.active_limit);
  }
  outputs.gates.push_back(gates);
  return gates;
}

at::Tensor Network::evaluate_group(const NormGroup& group, const Values& values, bool training) {
  const auto index = static_cast<std::size_t>(group.norm);
  const Node& node = architecture_.nodes[index];
  const BatchNorm& norm = std::get<BatchNorm>(node.operation);
  const auto parameter = [&](std::size_t offset) {
    return state_[plan_[index].first_parameter + offset].tensor;
  };
  const auto value = [&](std::int32_t member) {
    return member >= 0 ? values[static_cast<std::size_t>(member)] : at::Tensor();
  };
  NormChain chain;
  chain.input = value(group.input);
  if (norm.affine) {
    chain.weight = parameter(0);
    chain.bias = parameter(1);
  }
  const std::size_t buffers = norm.affine ? 2 : 0;
  chain.running_mean = parameter(buffers);
  chain.running_var = parameter(buffers + 1);
  chain.use_batch = training && !(embedding_frozen_ && embedding_nodes_[index]);
  chain.momentum = norm.momentum;
  chain.epsilon = norm.epsilon;
  if (sum_over_processes_) chain.sum_over_processes = &sum_over_processes_;
  chain.gates = value(group.gate);
  chain.gate_first = group.gate_first;
  chain.residual = value(group.residual);
  chain.relu = group.relu >= 0;
  if (group.pool >= 0) {
    chain.pool = std::get<MaxPool>(architecture_.nodes[static_cast<std::size_t>(group.pool)].operation);
  }
  if (chain.use_batch) {
    if (chain.sum_over_processes == nullptr && chain.input.numel() / chain.input.size(1) < 2) {
      fail(ErrorCode::invalid_argument, "batch norm '", node.name,
           "' has one value per channel and cannot train on it; use a larger batch or larger images");
    }
    const c10::NoGradGuard no_gradient;
    parameter(buffers + 2).add_(1);
  }
  return evaluate_chain(chain);
}

at::Tensor Network::dropout(const at::Tensor& input, double probability) {
  // With a generator of its own, so that a run depends on its seed alone.
  at::Tensor mask = at::empty_like(input, at::TensorOptions().requires_grad(false));
  mask.bernoulli_(1.0 - probability, generator_).div_(1.0 - probability);
  return input * mask;
}

void Network::freeze_embedding(bool frozen) {
  if (frozen == embedding_frozen_) return;
  embedding_frozen_ = frozen;
  for (Entry& entry : state_) {
    if (!entry.specification.trainable || !is_embedding(entry)) continue;
    entry.tensor.set_requires_grad(!frozen);
    if (frozen) entry.tensor.mutable_grad().reset();
  }
}

}  // namespace deepmoe
