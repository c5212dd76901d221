#include <array>

#include "architecture/architecture.hpp"

namespace deepmoe {

std::string_view operation_name(const Operation& operation) {
  // In the order of the alternatives of Operation.
  constexpr std::array<std::string_view, std::variant_size_v<Operation>> names = {
      "input",    "conv",     "batch_norm", "relu",   "gelu",    "gate",
      "max_pool", "avg_pool", "flatten",    "linear", "dropout", "add"};
  return names[operation.index()];
}

}  // namespace deepmoe
