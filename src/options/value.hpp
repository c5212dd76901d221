#pragma once

/// Values of options: from text or JSON to the one canonical text that layers keep, and back.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "options/options.hpp"

namespace deepmoe {

/// The canonical text of `value` for `row`: true|false, shortest numbers, lists with commas. Errors as
/// Options::set.
std::string canonical_value(const OptionDeclaration& row, std::string_view value);

/// The text of a JSON value for `row`, to be made canonical. A JSON type that can't stand for the option's
/// type is an Error(invalid_argument).
std::string text_of_json(const OptionDeclaration& row, const nlohmann::json& value);

/// The JSON value of canonical text, in the option's JSON type.
nlohmann::json json_of_text(OptionType type, const std::string& canonical);

/// E.g. "from 0 to 4096" or "above 0 and at most 16"; empty when the row has no range.
std::string range_words(const OptionDeclaration& row);

/// "boolean", "integer", "real", "text", "integer_list" or "real_list".
std::string_view type_name(OptionType type);

// Readers of canonical text.
std::int64_t integer_of(std::string_view canonical);
double real_of(std::string_view canonical);
std::vector<std::string_view> list_of(std::string_view text);

}  // namespace deepmoe
