#include "architecture/node_checks.hpp"

#include <cmath>

#include "architecture/limits.hpp"
#include "base/base.hpp"

namespace deepmoe {
namespace {

std::string out_of_range(std::string_view attribute, std::int64_t value, std::int64_t low,
                         std::int64_t high) {
  if (value >= low && value <= high) return {};
  return concat(attribute, " is ", value, "; it must be from ", low, " to ", high);
}

std::string first_of(std::initializer_list<std::string> problems) {
  for (const std::string& problem : problems) {
    if (!problem.empty()) return problem;
  }
  return {};
}

// The attributes of each kind of operation.

template <class Op>
std::string attribute_problem(const Op&) {
  return {};
}

std::string attribute_problem(const Convolution& convolution) {
  return first_of({out_of_range("channels", convolution.channels, 1, largest_channels),
                   out_of_range("kernel", convolution.kernel, 1, largest_kernel),
                   out_of_range("stride", convolution.stride, 1, largest_kernel),
                   out_of_range("padding", convolution.padding, 0, largest_kernel)});
}

std::string attribute_problem(const BatchNorm& norm) {
  if (!std::isfinite(norm.epsilon) || norm.epsilon <= 0) {
    return concat("epsilon is ", norm.epsilon, "; it must be a number above 0");
  }
  if (!(norm.momentum >= 0 && norm.momentum <= 1)) {
    return concat("momentum is ", norm.momentum, "; it must be from 0 to 1");
  }
  return {};
}

std::string attribute_problem(const Gate& gate) {
  if (!(std::isfinite(gate.influence) && gate.influence >= 0)) {
    return concat("influence is ", gate.influence, "; it must be a number from 0 on");
  }
  return out_of_range("active_limit", gate.active_limit, 0, largest_channels);
}

std::string attribute_problem(const MaxPool& pool) {
  return first_of({out_of_range("kernel", pool.kernel, 1, largest_kernel),
                   out_of_range("stride", pool.stride, 1, largest_kernel),
                   // More padding than half the kernel would give windows that see no pixel.
                   out_of_range("padding", pool.padding, 0, pool.kernel / 2)});
}

std::string attribute_problem(const AveragePool& pool) {
  return out_of_range("output_size", pool.output_size, 1, largest_kernel);
}

std::string attribute_problem(const Linear& linear) {
  return out_of_range("channels", linear.channels, 1, largest_channels);
}

std::string attribute_problem(const Dropout& dropout) {
  if (dropout.probability >= 0 && dropout.probability < 1) return {};
  return concat("probability is ", dropout.probability, "; it must be at least 0 and below 1");
}

std::size_t arity(const Operation& operation) {
  if (std::holds_alternative<Input>(operation)) return 0;
  if (std::holds_alternative<Gate>(operation) || std::holds_alternative<Add>(operation)) return 2;
  return 1;
}

}  // namespace

std::string node_problem(const Architecture& architecture, std::int32_t index) {
  const Node& node = architecture.nodes[static_cast<std::size_t>(index)];
  if (std::holds_alternative<Input>(node.operation) != (index == 0)) {
    return index == 0 ? "the first node must be the input" : "only the first node may be an input";
  }
  const std::size_t expected = arity(node.operation);
  if (node.inputs.size() != expected) {
    return concat("it has ", node.inputs.size(), " inputs; ", operation_name(node.operation), " takes ",
                  expected);
  }
  for (const std::int32_t input : node.inputs) {
    if (input < 0 || input >= index) {
      return concat("it reads node number ", input, ", which does not come before it (it is number ", index,
                    ")");
    }
  }
  return std::visit([](const auto& operation) { return attribute_problem(operation); }, node.operation);
}

}  // namespace deepmoe
