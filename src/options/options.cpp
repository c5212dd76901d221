#include "options/options.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "base/base.hpp"
#include "options/table.hpp"
#include "options/value.hpp"

namespace deepmoe {
namespace {

constexpr std::size_t largest_configuration_file = std::size_t(16) << 20;

std::string read_configuration(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int reason = errno;
    fail(reason == ENOENT ? ErrorCode::not_found : ErrorCode::io, "can't read configuration file '", path,
         "': ", std::generic_category().message(reason));
  }
  std::string content;
  char buffer[1 << 16];
  while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
    content.append(buffer, static_cast<std::size_t>(file.gcount()));
    if (content.size() > largest_configuration_file) {
      fail(ErrorCode::format, "'", path, "' is too large for a configuration file (more than ",
           largest_configuration_file, " bytes)");
    }
  }
  if (file.bad() || (content.empty() && errno == EISDIR)) {
    fail(ErrorCode::io, "can't read configuration file '", path,
         "': ", std::generic_category().message(errno));
  }
  return content;
}

nlohmann::json parse_configuration(const std::string& path) {
  std::set<std::string> names;
  const auto refuse_duplicates = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    if (event == nlohmann::json::parse_event_t::key && depth == 1 &&
        !names.insert(parsed.get<std::string>()).second) {
      fail(ErrorCode::format, path, ": option '", parsed.get<std::string>(), "' is given twice");
    }
    return true;
  };
  try {
    return nlohmann::json::parse(read_configuration(path), refuse_duplicates);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::format, path, " is not valid JSON: ", error.what());
  }
}

}  // namespace

void Options::set(std::string_view name, std::string_view value, OptionSource source) {
  const OptionDeclaration& row = option_declaration(name);
  layers_[source].insert_or_assign(std::string(row.name), canonical_value(row, value));
}

void Options::set_json(const nlohmann::json& object, OptionSource source) {
  if (!object.is_object()) {
    fail(ErrorCode::invalid_argument, "options must be a JSON object of names and values, not ",
         object.type_name());
  }
  Options changed = *this;
  for (const auto& [name, value] : object.items()) {
    changed.set(name, text_of_json(option_declaration(name), value), source);
  }
  layers_ = std::move(changed.layers_);
}

void Options::load_file(const std::string& path) {
  const nlohmann::json object = parse_configuration(path);
  try {
    set_json(object, OptionSource::file);
  } catch (const Error& error) {
    fail(error.code(), path, ": ", error.what());
  }
}

void Options::read_environment() {
  Options changed = *this;
  for (const OptionDeclaration& row : option_declarations()) {
    const std::string variable = environment_variable(row.name);
    const char* const value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0') continue;
    try {
      changed.set(row.name, value, OptionSource::environment);
    } catch (const Error& error) {
      fail(error.code(), "environment variable ", variable, ": ", error.what());
    }
  }
  layers_ = std::move(changed.layers_);
}

void Options::merge(const Options& other) {
  for (const auto& [source, values] : other.layers_) {
    for (const auto& [name, value] : values) layers_[source].insert_or_assign(name, value);
  }
}

const std::string& Options::resolve(std::string_view name, OptionSource* source) const {
  const auto found = [&](OptionSource where, const std::string& value) -> const std::string& {
    if (source != nullptr) *source = where;
    return value;
  };
  for (const OptionSource where :
       {OptionSource::flag, OptionSource::environment, OptionSource::file, OptionSource::recipe}) {
    const auto layer = layers_.find(where);
    if (layer == layers_.end()) continue;
    if (const auto value = layer->second.find(name); value != layer->second.end())
      return found(where, value->second);
  }
  // What the winning train_paper and recipe imply. Neither sets the other, so this does not go round in
  // circles.
  if (name != "recipe" && name != "train_paper") {
    for (const auto& [implying, sets] :
         {std::pair("train_paper", &paper_trainings()), std::pair("recipe", &recipes())}) {
      const std::map<std::string, std::string>& implied = sets->at(resolve(implying, nullptr));
      if (const auto value = implied.find(std::string(name)); value != implied.end()) {
        return found(OptionSource::recipe, value->second);
      }
    }
  }
  if (const auto layer = layers_.find(OptionSource::default_value); layer != layers_.end()) {
    if (const auto value = layer->second.find(name); value != layer->second.end()) {
      return found(OptionSource::default_value, value->second);
    }
  }
  if (name != "recipe" && name != "train_paper" && name != "optimizer") {
    if (const auto own = optimizer_defaults().find(resolve("optimizer", nullptr));
        own != optimizer_defaults().end()) {
      if (const auto value = own->second.find(std::string(name)); value != own->second.end()) {
        return found(OptionSource::default_value, value->second);
      }
    }
  }
  return found(OptionSource::default_value, default_text(name));
}

std::string Options::value(std::string_view name) const {
  return resolve(option_declaration(name).name, nullptr);
}

OptionSource Options::source(std::string_view name) const {
  OptionSource source = OptionSource::default_value;
  resolve(option_declaration(name).name, &source);
  return source;
}

}  // namespace deepmoe
