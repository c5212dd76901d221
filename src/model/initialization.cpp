#include "model/initialization.hpp"

#include <c10/core/GradMode.h>

#include <cmath>

#include "base/base.hpp"
#include "model/device.hpp"

namespace deepmoe {
namespace {

/// The batch norms whose output is directly (or through a gate) added to a shortcut.
std::vector<bool> find_residual_norms(const Architecture& architecture) {
  std::vector<bool> found(architecture.nodes.size(), false);
  for (const Node& node : architecture.nodes) {
    if (!std::holds_alternative<Add>(node.operation)) continue;
    auto index = static_cast<std::size_t>(node.inputs[0]);
    if (std::holds_alternative<Gate>(architecture.nodes[index].operation)) {
      index = static_cast<std::size_t>(architecture.nodes[index].inputs[0]);
    }
    found[index] = std::holds_alternative<BatchNorm>(architecture.nodes[index].operation);
  }
  return found;
}

}  // namespace

void initialize(Network& network, const Options& options) {
  const Architecture& architecture = network.architecture();
  const bool unit_gates = options.text("gate_init") == "unit";
  const bool zero_residual = options.boolean("zero_init_residual");
  const bool vgg = architecture.model.rfind("vgg", 0) == 0;
  const std::vector<bool> residual_norms = find_residual_norms(architecture);
  at::Generator generator =
      make_generator(at::Device(at::kCPU), static_cast<std::uint64_t>(options.integer("seed")));
  const c10::NoGradGuard no_gradient;

  for (const Network::Entry& entry : network.state()) {
    const ParameterSpecification& specification = entry.specification;
    const auto node_index = static_cast<std::size_t>(specification.node);
    const Operation& operation = architecture.nodes[node_index].operation;
    const bool is_weight = specification.name.ends_with("weight");
    at::Tensor value = at::zeros(specification.shape, specification.is_integer ? at::kLong : at::kFloat);

    if (std::holds_alternative<BatchNorm>(operation)) {
      const bool silent = zero_residual && residual_norms[node_index];
      if ((is_weight && !silent) || specification.name.ends_with("running_var")) value.fill_(1.0);
    } else if (std::holds_alternative<Convolution>(operation)) {
      if (is_weight) {
        const auto fan_out =
            static_cast<double>(specification.shape[0] * specification.shape[2] * specification.shape[3]);
        value.normal_(0.0, std::sqrt(2.0 / fan_out), generator);
      }
    } else if (std::holds_alternative<Gate>(operation) && unit_gates) {
      if (!std::get<Gate>(operation).bias) {
        fail(ErrorCode::invalid_argument,
             "gate_init unit starts every gate at 1 through the heads' bias, but gate_bias is false; set "
             "gate_bias to "
             "true or gate_init to random");
      }
      if (is_weight) {
        value.normal_(0.0, 0.02 / std::sqrt(static_cast<double>(specification.shape[1])), generator);
      } else {
        value.fill_(1.0);
      }
    } else if (std::holds_alternative<Linear>(operation) && vgg && !network.is_embedding(entry)) {
      if (is_weight) value.normal_(0.0, 0.01, generator);
    } else {
      // The fan-in of a bias is that of the weight before it: both were declared by the same node.
      std::int64_t fan_in = specification.shape.back();
      if (!is_weight) {
        for (const Network::Entry& other : network.state()) {
          if (other.specification.node == specification.node && other.specification.shape.size() == 2) {
            fan_in = other.specification.shape[1];
          }
        }
      }
      const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
      value.uniform_(-bound, bound, generator);
    }
    at::Tensor target = entry.tensor;
    target.copy_(value);
  }
}

}  // namespace deepmoe
