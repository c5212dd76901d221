#include "architecture/architecture.hpp"

#include "base/base.hpp"

namespace deepmoe {

std::int64_t Architecture::num_classes() const {
  if (logits < 0 || static_cast<std::size_t>(logits) >= nodes.size()) {
    fail(ErrorCode::format, "network '", model, "' has no logits");
  }
  return infer_shapes(*this)[static_cast<std::size_t>(logits)].channels;
}

std::vector<std::int32_t> Architecture::gates() const {
  std::vector<std::int32_t> found;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (std::holds_alternative<Gate>(nodes[i].operation)) found.push_back(static_cast<std::int32_t>(i));
  }
  return found;
}

}  // namespace deepmoe
