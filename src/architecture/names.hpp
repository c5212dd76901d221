#pragma once

#include <string>
#include <string_view>

namespace deepmoe {

/// Whether a text can be the name of a node, a parameter prefix or a model: these become keys of files,
/// columns of tables and words of messages, so 1 to 256 printable ASCII characters without spaces.
bool is_plain_name(std::string_view name);

/// What is wrong with a text that is not a plain name, for messages: "must be ...".
std::string_view plain_name_rule();

/// A text from elsewhere, fit to be quoted in a message: shortened, and with `?` for what cannot be shown.
std::string shown(std::string_view text);

}  // namespace deepmoe
