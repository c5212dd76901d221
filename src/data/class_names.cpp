#include "data/class_names.hpp"

namespace deepmoe {

std::vector<std::string> numbered_class_names(std::int64_t count) {
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace deepmoe
