#include "option_flags.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

#include "text.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t help_width = 74;

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

const ordered_json* find_row(const std::string& name) {
  for (const ordered_json& row : option_rows()) {
    if (row.at("name") == name) return &row;
  }
  return nullptr;
}

/// The placeholder for a flag's value in the help.
std::string placeholder(const ordered_json& row) {
  const std::string type = row.at("type");
  if (type == "boolean") return "[BOOLEAN]";
  if (type == "integer") return "INTEGER";
  if (type == "real") return "NUMBER";
  if (type == "text") return "TEXT";
  return "LIST";
}

std::string help_text(const ordered_json& row) {
  std::string help = row.at("help");
  if (row.contains("choices") && row.at("type") == "text") {
    std::vector<std::string> present;
    for (const ordered_json& choice : row.at("choices")) {
      const ordered_json& absent = row.at("unavailable_choices");
      if (std::find(absent.begin(), absent.end(), choice) == absent.end()) present.push_back(choice);
    }
    help += " One of " + join(present, ", ") + ".";
  }
  const std::string value = option_text(row.at("default"));
  if (!value.empty()) help += " [" + value + "]";
  return wrap(help, help_width);
}

/// The library names the option; on the command line the user knows it as a flag.
std::string message_for_flag(const std::string& name, const std::string& message) {
  const std::string prefix = "option '" + name + "'";
  if (message.rfind(prefix, 0) == 0) return "--" + name + message.substr(prefix.size());
  return "--" + name + ": " + message;
}

template <class Function, class... Arguments>
void call_for_usage(Function* function, Arguments... arguments) {
  try {
    call(function, arguments...);
  } catch (const LibraryError& error) {
    throw UsageError(error.what());
  }
}

}  // namespace

const ordered_json& option_rows() {
  static const ordered_json rows = json_from(dmoe_options_schema).at("options");
  return rows;
}

OptionSelection all_options() {
  OptionSelection selection;
  for (const ordered_json& row : option_rows()) selection.names.push_back(row.at("name"));
  return selection;
}

void check_architecture(const OptionsHandle& options) {
  OptionsHandle checked;
  call(dmoe_options_copy, static_cast<const dmoe_options*>(options.get()), checked.out());
  // What share of the MACs can be reached depends on the size of images that nobody has seen yet.
  if (option_value(checked, "image_size") == "0") set_option(checked, "target_macs", "0");
  StringHandle ignored;
  call_for_usage(dmoe_architecture_json, static_cast<const dmoe_options*>(checked.get()), ignored.out());
}

bool leads(const OptionsHandle& options) {
  std::int64_t rank = 0, size = 1;
  call_for_usage(dmoe_process_place, static_cast<const dmoe_options*>(options.get()), &rank, &size);
  return rank == 0;
}

void OptionFlags::add_to(CLI::App& app, const OptionSelection& selection) {
  for (const ordered_json& row : option_rows()) {
    const std::string name = row.at("name");
    std::string group = row.at("group");
    if (!contains(selection.groups, group) && !contains(selection.names, name)) continue;
    group[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(group[0])));
    // Several plugins may be named; of another flag the last one counts.
    const bool joined = name == "plugin";
    app.add_option_function<std::string>(
           "--" + name, [this, name](const std::string& value) { values_[name] = value; }, help_text(row))
        ->type_name(placeholder(row))
        ->multi_option_policy(joined ? CLI::MultiOptionPolicy::Join : CLI::MultiOptionPolicy::TakeLast)
        ->delimiter(joined ? ',' : '\0')
        ->group(row.at("available") ? group : std::string());
  }
}

void OptionFlags::add_config_to(CLI::App& app) {
  app.add_option(
         "--config", config_file_,
         wrap("A configuration file, such as a run's config.json; the environment and flags override it.",
              help_width))
      ->type_name("FILE");
}

OptionsHandle OptionFlags::configured() const {
  OptionsHandle options;
  call(dmoe_options_create, options.out());
  if (!config_file_.empty()) call_for_usage(dmoe_options_load_file, options.get(), config_file_.c_str());
  call_for_usage(dmoe_options_read_environment, options.get());
  for (const auto& [name, value] : values_) {
    try {
      set_option(options, name.c_str(), value);
    } catch (const LibraryError& error) {
      throw UsageError(message_for_flag(name, error.what()));
    }
  }
  return options;
}

std::string OptionFlags::take(const std::string& name) {
  const auto found = values_.find(name);
  if (found == values_.end()) return {};
  std::string value = std::move(found->second);
  values_.erase(found);
  return value;
}

bool OptionFlags::given(const std::string& name) const {
  if (values_.count(name) > 0) return true;
  const ordered_json* const row = find_row(name);
  if (row == nullptr) return false;
  const char* const variable = std::getenv(row->at("environment").get<std::string>().c_str());
  return variable != nullptr && *variable != '\0';
}

}  // namespace deepmoe::command
