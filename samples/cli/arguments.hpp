#pragma once

/// The words of the command line, brought into the one form that the parser is given.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace deepmoe::command {

/// The words with every flag that takes a value followed by exactly one: `--x=1` becomes `--x 1`, `--wide`
/// becomes
/// `--wide true` unless a truth value follows, and the numbers after a list's flag become one word joined by
/// commas. So `info --wide resnet18` means what it says, and lists can stand before other arguments. Unknown
/// subcommands and flags are a UsageError that names the nearest one.
std::vector<std::string> normalised_arguments(const CLI::App& root, const std::vector<std::string>& words);

}  // namespace deepmoe::command
