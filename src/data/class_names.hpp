#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace deepmoe {

/// The names "0", "1", ... for classes that have no others.
std::vector<std::string> numbered_class_names(std::int64_t count);

}  // namespace deepmoe
