#pragma once

#include <string>
#include <vector>

namespace deepmoe::command {

/// " Did you mean 'x'?" with the candidate nearest to `name`, or nothing when none is near.
std::string suggestion(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace deepmoe::command
