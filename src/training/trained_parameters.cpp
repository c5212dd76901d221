#include "training/trained_parameters.hpp"

#include <variant>

namespace deepmoe {

std::vector<TrainedParameter> trained_parameters(const Network& network, const Options& options) {
  const bool decay_on_all = options.boolean("weight_decay_on_all");
  const double gate_lr = options.real("gate_lr"), gate_decay = options.real("gate_weight_decay");
  std::vector<TrainedParameter> parameters;
  for (const Network::Entry& entry : network.state()) {
    const ParameterSpecification& specification = entry.specification;
    if (!specification.trainable) continue;
    const Node& node = network.architecture().nodes[static_cast<std::size_t>(specification.node)];
    const bool is_gate_head = std::holds_alternative<Gate>(node.operation);
    // Norms and biases are what has a single dimension.
    const bool decays = decay_on_all || (specification.shape.size() > 1 && !is_gate_head);
    const bool routes = is_gate_head || network.is_embedding(entry);
    parameters.push_back({specification.name, entry.tensor, decays ? (routes ? gate_decay : 1.0) : 0.0,
                          routes ? gate_lr : 1.0});
  }
  return parameters;
}

}  // namespace deepmoe
