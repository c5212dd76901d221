#pragma once

#include <string>
#include <utility>
#include <vector>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// The options of a test network: 10 classes, 32 pixels, and what `values` say.
inline Options network_options(const std::vector<std::pair<std::string, std::string>>& values) {
  Options options;
  options.set("num_classes", "10");
  options.set("image_size", "32");
  for (const auto& [name, value] : values) options.set(name, value);
  return options;
}

inline Architecture build(const std::vector<std::pair<std::string, std::string>>& values) {
  return build_architecture(network_options(values));
}

/// The index of the node called `name`, or -1.
inline std::int32_t find_node(const Architecture& architecture, const std::string& name) {
  for (std::size_t i = 0; i < architecture.nodes.size(); ++i) {
    if (architecture.nodes[i].name == name) return static_cast<std::int32_t>(i);
  }
  return -1;
}

inline const Node& node_called(const Architecture& architecture, const std::string& name) {
  return architecture.nodes.at(static_cast<std::size_t>(find_node(architecture, name)));
}

/// The names of the nodes from `first` to `last`, along each one's first input.
inline std::vector<std::string> path(const Architecture& architecture, const std::string& first,
                                     const std::string& last) {
  std::vector<std::string> names;
  for (std::int32_t at = find_node(architecture, last); at >= 0;) {
    const Node& node = architecture.nodes[static_cast<std::size_t>(at)];
    names.insert(names.begin(), node.name);
    at = node.name == first || node.inputs.empty() ? -1 : node.inputs[0];
  }
  return names;
}

/// A gated network small enough to be changed by hand: conv, gate, batch norm, relu, pool, flatten, linear.
inline Architecture small_network() {
  Architecture network;
  network.model = "small";
  network.image_size = 8;
  network.nodes = {{"input", Input{}, {}, {}},
                   {"embedding.pool", AveragePool{}, {0}, {}},
                   {"embedding.flatten", Flatten{}, {1}, {}},
                   {"embedding.linear", Linear{.channels = 5}, {2}, "embedding.linear"},
                   {"conv", Convolution{.channels = 4, .kernel = 3, .padding = 1}, {0}, "conv"},
                   {"gate", Gate{}, {4, 3}, "gate"},
                   {"norm", BatchNorm{}, {5}, "norm"},
                   {"relu", Relu{}, {6}, {}},
                   {"pool", AveragePool{}, {7}, {}},
                   {"flatten", Flatten{}, {8}, {}},
                   {"fc", Linear{.channels = 2}, {9}, "fc"},
                   {"embedding_classifier", Linear{.channels = 2}, {3}, "embedding_classifier"}};
  network.logits = 10;
  network.embedding = 3;
  network.embedding_logits = 11;
  return network;
}

}  // namespace deepmoe
