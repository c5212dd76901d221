#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/base.hpp"
#include "options/options.hpp"
#include "options/table.hpp"
#include "options/value.hpp"

namespace deepmoe {
namespace {

using Presets = std::map<std::string, std::map<std::string, std::string>>;

nlohmann::json preset_values(const OptionDeclaration& row, const Presets& presets) {
  nlohmann::json values = nlohmann::json::object();
  for (const auto& [preset, sets] : presets) {
    if (const auto value = sets.find(std::string(row.name)); value != sets.end()) {
      values[preset] = json_of_text(row.type, value->second);
    }
  }
  return values;
}

nlohmann::json choice_list(const OptionDeclaration& row, const std::vector<std::string_view>& choices) {
  nlohmann::json list = nlohmann::json::array();
  for (const std::string_view choice : choices) list.push_back(json_of_text(row.type, std::string(choice)));
  return list;
}

nlohmann::json row_schema(const OptionDeclaration& row) {
  nlohmann::json schema = {{"name", row.name},
                           {"type", type_name(row.type)},
                           {"group", row.group},
                           {"default", json_of_text(row.type, default_text(row.name))},
                           {"available", row.available},
                           {"environment", environment_variable(row.name)},
                           {"help", row.help}};
  if (row.minimum) {
    schema["minimum"] = *row.minimum;
    schema["minimum_excluded"] = row.minimum_excluded;
  }
  if (row.maximum) {
    schema["maximum"] = *row.maximum;
    schema["maximum_excluded"] = row.maximum_excluded;
  }
  if (!row.choices.empty()) {
    schema["choices"] = choice_list(row, row.choices);
    schema["unavailable_choices"] = choice_list(row, row.unavailable);
  }
  if (nlohmann::json values = preset_values(row, recipes()); !values.empty())
    schema["recipes"] = std::move(values);
  if (nlohmann::json values = preset_values(row, paper_trainings()); !values.empty()) {
    schema["train_paper"] = std::move(values);
  }
  return schema;
}

std::string code(std::string_view text) { return text.empty() ? "empty" : concat("`", text, "`"); }

/// What the option may be, for one cell of the table.
std::string allowed_cell(const OptionDeclaration& row) {
  if (row.choices.empty()) {
    const std::string range = range_words(row);
    return range.empty() ? std::string(type_name(row.type)) : concat(type_name(row.type), ", ", range);
  }
  std::vector<std::string> choices;
  for (const std::string_view choice : row.choices) {
    const bool absent =
        std::find(row.unavailable.begin(), row.unavailable.end(), choice) != row.unavailable.end();
    choices.push_back(code(choice) + (absent ? "\\*" : ""));
  }
  return join(choices);
}

std::string option_table(std::string_view group) {
  std::string table =
      concat("## ", group, "\n\n| option | default | values | meaning |\n|---|---|---|---|\n");
  for (const OptionDeclaration& row : option_declarations()) {
    if (row.group != group) continue;
    table += concat("| `", row.name, "`", row.available ? "" : "\\*", " | ", code(row.default_value), " | ",
                    allowed_cell(row), " | ", row.help, " |\n");
  }
  return table + "\n";
}

/// One line for each option that any preset sets, one column for each preset that sets anything.
std::string preset_table(const Presets& presets) {
  std::string head = "| option |", rule = "|---|", rows;
  for (const auto& [preset, sets] : presets) {
    if (sets.empty()) continue;
    head += concat(" `", preset, "` |");
    rule += "---|";
  }
  for (const OptionDeclaration& row : option_declarations()) {
    std::string cells;
    bool any = false;
    for (const auto& [preset, sets] : presets) {
      if (sets.empty()) continue;
      const auto value = sets.find(std::string(row.name));
      any = any || value != sets.end();
      cells += value != sets.end() ? concat(" ", code(value->second), " |") : std::string(" |");
    }
    if (any) rows += concat("| `", row.name, "` |", cells, "\n");
  }
  return head + "\n" + rule + "\n" + rows + "\n";
}

}  // namespace

nlohmann::json options_schema() {
  nlohmann::json list = nlohmann::json::array();
  for (const OptionDeclaration& row : option_declarations()) list.push_back(row_schema(row));
  return {{"options", std::move(list)}};
}

std::string options_markdown() {
  std::string text =
      "# Options\n\n"
      "Every option is a flag of the command (`--lr 0.1`), a member of a JSON configuration file (`{\"lr\": "
      "0.1}`), an\n"
      "environment variable (`DEEPMOE_LR=0.1`) and a name for the setters of the C interface. Where several "
      "give a\n"
      "value, the flag wins over the environment, the environment over the file, the file over "
      "`train_paper`, and that\n"
      "over the recipe. Lists are separated by commas or spaces.\n\n"
      "A star marks what has no effect in this version: another value than the default is refused.\n\n"
      "The tests of src/options write this page from the table there when DEEPMOE_UPDATE_DOCS=1 is set.\n\n";
  std::vector<std::string_view> groups;
  for (const OptionDeclaration& row : option_declarations()) {
    if (std::find(groups.begin(), groups.end(), row.group) == groups.end()) groups.push_back(row.group);
  }
  for (const std::string_view group : groups) text += option_table(group);
  text += "## What the recipes set\n\nRecipe `modern` is the defaults above.\n\n" + preset_table(recipes());
  text += "## What train_paper sets\n\n" + preset_table(paper_trainings());
  text.pop_back();
  return text;
}

}  // namespace deepmoe
