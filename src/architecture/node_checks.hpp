#pragma once

#include <string>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// What is wrong with one node's attributes, with the number of its inputs or with their order; empty when
/// nothing is. Shapes can be inferred for a node without such a problem.
std::string node_problem(const Architecture& architecture, std::int32_t node);

}  // namespace deepmoe
