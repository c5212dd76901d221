#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "architecture/architecture.hpp"

namespace deepmoe {

template <class Op>
bool is(const Node& node) {
  return std::holds_alternative<Op>(node.operation);
}
inline bool is_product(const Node& node) { return is<Convolution>(node) || is<Linear>(node); }
inline bool is_activation(const Node& node) { return is<Relu>(node) || is<Gelu>(node); }

/// A product, a convolution or a linear map, and the nodes that it takes along, in order: batch norms and one
/// gate, then a sum, then an activation, as far as nobody else reads what lies between.
struct ProductChain {
  std::vector<std::int32_t> nodes;
  std::int32_t add = -1;  ///< one of them
};

/// The chains of an architecture. No node is in two of them.
struct ProductChains {
  std::vector<ProductChain> chains;
  std::vector<std::int32_t> chain_of;  ///< of each node, or -1
};

ProductChains find_product_chains(const Architecture& architecture);

}  // namespace deepmoe
