#include <cstddef>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "handle.hpp"
#include "option_flags.hpp"
#include "subcommands.hpp"
#include "table.hpp"
#include "text.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t page_width = 110;

struct Settings {
  OptionFlags flags;
  bool json = false;
};

std::string quoted(const std::string& text) { return text.empty() ? "(empty)" : text; }

std::string range_text(const ordered_json& row) {
  std::vector<std::string> parts;
  if (row.contains("minimum")) {
    parts.push_back((row.value("minimum_excluded", false) ? "above " : "from ") +
                    option_text(row.at("minimum")));
  }
  if (row.contains("maximum")) {
    parts.push_back((row.value("maximum_excluded", false) ? "below " : "to ") +
                    option_text(row.at("maximum")));
  }
  return join(parts, " ");
}

/// What the option may be: its choices, or its type and range.
std::string values_text(const ordered_json& row) {
  if (!row.contains("choices")) {
    const std::string type = row.at("type"), range = range_text(row);
    return range.empty() ? type : type + " " + range;
  }
  std::vector<std::string> choices;
  for (const ordered_json& choice : row.at("choices")) {
    bool absent = false;
    for (const ordered_json& other : row.at("unavailable_choices")) absent = absent || other == choice;
    choices.push_back(option_text(choice) + (absent ? "*" : ""));
  }
  return join(choices, " | ");
}

/// Every option: its value as resolved, what it may be, and what it means.
std::string table_text(const ordered_json& resolved) {
  std::string text, group;
  for (const ordered_json& row : option_rows()) {
    const std::string name = row.at("name"), row_group = row.at("group");
    if (row_group != group) {
      group = row_group;
      text += (text.empty() ? "" : "\n") + group + "\n";
    }
    const ordered_json& value = resolved.at(name);
    text += "  --" + name + (row.at("available").get<bool>() ? "" : "*") + "  " + quoted(option_text(value));
    if (value != row.at("default")) text += "  (default " + quoted(option_text(row.at("default"))) + ")";
    text += "\n" + std::string(6, ' ') + values_text(row) + "\n";
    Table help({}, {});
    help.wrap_last_column(page_width);
    help.add({"    ", row.at("help")});
    text += help.text();
  }
  return text + "\n* has no effect in this version: another value than the default is refused.\n";
}

/// What a recipe sets, and whether that differs from the defaults.
std::string recipe_text(const std::string& recipe, const ordered_json& resolved) {
  Table table({"option", "recipe " + recipe, "default", "differs"});
  for (const ordered_json& row : option_rows()) {
    const bool sets = row.contains("recipes") && row.at("recipes").contains(recipe);
    const ordered_json& value = resolved.at(row.at("name").get<std::string>());
    // Files, environment and other flags may say something else again; show what holds.
    if (!sets && (value == row.at("default") || row.at("name") == "recipe")) continue;
    table.add({"--" + row.at("name").get<std::string>(), quoted(option_text(value)),
               quoted(option_text(row.at("default"))), value == row.at("default") ? "" : "yes"});
  }
  if (table.empty()) return "recipe " + recipe + " is the defaults\n";
  return table.text();
}

int options(const Settings& settings) {
  const OptionsHandle configured = settings.flags.configured();
  const ordered_json resolved =
      json_from(dmoe_options_to_json, static_cast<const dmoe_options*>(configured.get()));
  if (settings.json) {
    ordered_json output = {{"options", option_rows()}};
    for (ordered_json& row : output["options"]) row["value"] = resolved.at(row.at("name").get<std::string>());
    std::cout << output.dump(2) << "\n";
  } else if (settings.flags.given("recipe")) {
    std::cout << recipe_text(resolved.at("recipe"), resolved);
  } else {
    std::cout << table_text(resolved);
  }
  return succeeded;
}

}  // namespace

void add_options(CLI::App& root, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *root.add_subcommand("options", "Show every option with its value, range and meaning");
  app.add_flag("--json", settings->json, "Print the table as JSON, with the resolved value of each option");
  settings->flags.add_config_to(app);
  settings->flags.add_to(app, all_options());
  app.footer(
      "The values shown are those that a command with the same --config, environment and flags would take:\n"
      "recipe < file < environment < flag. With --recipe only what that recipe sets is shown.");
  app.callback([settings, &action] { action = [settings] { return options(*settings); }; });
}

}  // namespace deepmoe::command
