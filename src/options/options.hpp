#pragma once

/// The door of src/options: every option of the library, declared once.

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deepmoe {

enum class OptionType { boolean, integer, real, text, integer_list, real_list };

/// One row of the table from which flags, configuration files, setters, schema, help and docs are made.
struct OptionDeclaration {
  std::string_view name;
  OptionType type;
  std::string_view group;  ///< general, data, model, gates, loss, optimizer, schedule, training or output
  std::string_view default_value;  ///< as text; what recipe `modern` means
  std::optional<double> minimum = std::nullopt;
  std::optional<double> maximum = std::nullopt;
  bool minimum_excluded = false;
  bool maximum_excluded = false;
  std::vector<std::string_view> choices = {};  ///< of a text or integer option; empty: any value of the range
  std::vector<std::string_view> unavailable = {};  ///< the choices that have no effect in this version
  bool available = true;  ///< false: has no effect in this version, so any value but the default is refused
  std::string_view help;
};

/// The whole table, in the order in which help and docs list it. Lives as long as the program.
std::span<const OptionDeclaration> option_declarations();

/// The row called `name`. An unknown name is an Error(not_found) that suggests the nearest one.
const OptionDeclaration& option_declaration(std::string_view name);

/// The table as JSON: {"options": [{name, type, group, default, minimum, maximum, minimum_excluded,
/// maximum_excluded, choices, unavailable_choices, available, environment, help, recipes: {seed: .., paper:
/// ..}, train_paper: {cifar: .., imagenet: ..}}]}. Members that do not apply to an option are left out.
nlohmann::json options_schema();

/// The table as the text of docs/options.md.
std::string options_markdown();

/// The names of the recipes, and what each sets besides the defaults (option name -> value as text).
const std::map<std::string, std::map<std::string, std::string>>& recipes();

/// The same for the values of option `train_paper`, whose values win over those of the recipe.
const std::map<std::string, std::map<std::string, std::string>>& paper_trainings();

/// The same for the values of option `optimizer`: defaults of its own, over which anything else wins.
const std::map<std::string, std::map<std::string, std::string>>& optimizer_defaults();

/// Where a value came from; a later one wins over an earlier one whatever the order of the calls.
enum class OptionSource { default_value, recipe, file, environment, flag };

/// A set of values for the options of the table. Copyable; not safe for concurrent modification.
class Options {
 public:
  /// Sets one option from text. Lists are separated by commas or spaces; booleans are
  /// true|false|1|0|on|off|yes|no. What has no effect in this version may still be set to its default, so
  /// that a written configuration reads back. Errors: not_found (unknown name, with the nearest one),
  /// invalid_argument (not of the type, out of range with the range, not a choice with the choices),
  /// unsupported (no effect in this version). Nothing changes on an error.
  void set(std::string_view name, std::string_view value, OptionSource source = OptionSource::flag);

  /// Sets every member of a JSON object, e.g. a run's config.json. All or nothing. Values may be of the
  /// option's JSON type or text as `set` takes it.
  void set_json(const nlohmann::json& object, OptionSource source = OptionSource::file);

  /// Reads a configuration file (JSON). Errors name the file.
  void load_file(const std::string& path);

  /// Reads DEEPMOE_<NAME IN CAPITALS> for every option; an empty variable counts as unset. All or nothing;
  /// errors name the variable.
  void read_environment();

  /// Takes the set values of `other` (each with its source) over this one's.
  void merge(const Options& other);

  // Readers; the name must be declared with the matching type (a wrong one is an internal error).
  bool boolean(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  std::string text(std::string_view name) const;
  std::vector<std::int64_t> integers(std::string_view name) const;
  std::vector<double> reals(std::string_view name) const;

  /// The value as text, as `set` would take it.
  std::string value(std::string_view name) const;
  OptionSource source(std::string_view name) const;

  /// Whether anything but a default or a recipe gave the value.
  bool given(std::string_view name) const { return source(name) >= OptionSource::file; }

  /// Every option with its value in its JSON type: what a run writes to config.json.
  nlohmann::json resolved() const;

 private:
  /// Resolves one name through the layers, recipe included.
  const std::string& resolve(std::string_view name, OptionSource* source) const;

  std::map<OptionSource, std::map<std::string, std::string, std::less<>>> layers_;
};

}  // namespace deepmoe
