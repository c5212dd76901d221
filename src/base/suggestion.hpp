#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace deepmoe {

/// The candidate nearest to `name` by Damerau-Levenshtein distance (optimal string alignment), or an empty string
/// when none is near enough to be a likely misspelling (more than a third of the letters differ).
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

/// A sentence for an error message: ` Did you mean 'x'?`, or an empty string when no candidate is near.
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

/// Joins names with ", ".
std::string join(const std::vector<std::string>& names, std::string_view separator = ", ");

}  // namespace deepmoe
