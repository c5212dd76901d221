#pragma once

#include <vector>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// The state_dict's entries of one node, given every node's output shape.
std::vector<ParameterSpecification> node_parameters(const Architecture& architecture,
                                                    const std::vector<Shape>& shapes, std::int32_t node);

}  // namespace deepmoe
