#pragma once

/// The library's table of options as flags of a subcommand.

#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "handle.hpp"

namespace deepmoe::command {

/// The rows of the table, as dmoe_options_schema describes them. Read once.
const nlohmann::ordered_json& option_rows();

/// Which options a subcommand offers: whole groups, and single ones besides.
struct OptionSelection {
  std::vector<std::string> groups;
  std::vector<std::string> names;
};
/// Every option.
OptionSelection all_options();

/// Refuses options that no network can be built from, with a UsageError: before any data are read.
void check_architecture(const OptionsHandle& options);

/// Whether this process writes and shows what several that a launcher has started do together. What the
/// launcher says that does not fit together is a UsageError.
bool leads(const OptionsHandle& options);

/// The option flags of one subcommand, and the values that its command line gave. Must outlive the parsing.
class OptionFlags {
 public:
  /// Adds a flag for each option of the selection, with help, grouped as in the table. Options without effect
  /// in this version are not shown in the help, and refused by the library when given.
  void add_to(CLI::App& app, const OptionSelection& selection);
  /// Adds --config.
  void add_config_to(CLI::App& app);
  /// What --config names; "" if it was not given.
  const std::string& config_file() const { return config_file_; }
  /// Takes a file as if --config had named it.
  void give_config_file(const std::string& path) { config_file_ = path; }

  /// A new set of options: configuration file, environment and flags. Errors are UsageError and name the
  /// flag.
  OptionsHandle configured() const;

  /// Takes a value for an option as if its flag had been given.
  void give(const std::string& name, const std::string& value) { values_[name] = value; }
  /// Forgets a flag, which is returned ("" if it was not given).
  std::string take(const std::string& name);
  /// Whether a flag or the environment gave a value.
  bool given(const std::string& name) const;

 private:
  std::string config_file_;
  std::map<std::string, std::string> values_;
};

}  // namespace deepmoe::command
