#include "arguments.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "failure.hpp"
#include "nearest.hpp"
#include "option_flags.hpp"
#include "text.hpp"

namespace deepmoe::command {
namespace {

std::string type_of(const std::string& name) {
  for (const auto& row : option_rows()) {
    if (row.at("name") == name) return row.at("type");
  }
  return "text";
}

std::vector<const CLI::App*> subcommands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

const CLI::Option* find_flag(const CLI::App& app, const std::string& name) {
  return app.get_option_no_throw("--" + name);
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* subcommand : subcommands_of(app)) names.push_back(subcommand->get_name());
  return names;
}

[[noreturn]] void refuse_subcommand(const CLI::App& app, const std::string& command,
                                    const std::string& word) {
  const std::vector<std::string> names = subcommand_names(app);
  throw UsageError("there is no command '" + command + " " + word + "'." + suggestion(word, names) +
                   " There are: " + join(names, ", "));
}

[[noreturn]] void refuse_flag(const CLI::App& app, const std::string& command, const std::string& name) {
  for (const auto& row : option_rows()) {
    if (row.at("name") == name)
      throw UsageError("--" + name + " has no effect on '" + command + "'; leave it out");
  }
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& known : option->get_lnames()) names.push_back("--" + known);
  }
  throw UsageError("there is no flag '--" + name + "' in '" + command + "'." +
                   suggestion("--" + name, names));
}

bool is_truth_value(const std::string& word) {
  for (const char* value : {"true", "false", "1", "0", "on", "off", "yes", "no"}) {
    if (word == value) return true;
  }
  return false;
}

bool is_list_item(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789.,+-eE ") == std::string::npos &&
         word.find_first_of("0123456789") != std::string::npos;
}

class Normaliser {
 public:
  Normaliser(const CLI::App& app, std::string command, const std::vector<std::string>& words,
             std::size_t start)
      : app_(app), command_(std::move(command)), words_(words), next_(start) {}

  void run(std::vector<std::string>& output) {
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      if (word == "--") {
        output.push_back(word);
        output.insert(output.end(), words_.begin() + static_cast<std::ptrdiff_t>(next_), words_.end());
        return;
      }
      if (word.rfind("--", 0) != 0) {
        output.push_back(word);
      } else {
        take_flag(word.substr(2), output);
      }
    }
  }

 private:
  void take_flag(const std::string& text, std::vector<std::string>& output) {
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const CLI::Option* const flag = find_flag(app_, name);
    if (flag == nullptr) refuse_flag(app_, command_, name);
    output.push_back("--" + name);
    if (flag->get_expected_max() == 0) {
      if (equals != std::string::npos) throw UsageError("--" + name + " takes no value");
      return;
    }
    output.push_back(equals != std::string::npos ? text.substr(equals + 1) : following_value(name));
  }

  std::string following_value(const std::string& name) {
    const bool more = next_ < words_.size();
    const std::string type = type_of(name);
    if (type == "boolean") return more && is_truth_value(words_[next_]) ? words_[next_++] : "true";
    if (!more || is_known_flag(words_[next_])) throw UsageError("--" + name + " needs a value");
    std::string value = words_[next_++];
    if (type != "integer_list" && type != "real_list") return value;
    while (is_list_item(value) && next_ < words_.size() && is_list_item(words_[next_])) {
      value += "," + words_[next_++];
    }
    return value;
  }

  bool is_known_flag(const std::string& word) const {
    return word.rfind("--", 0) == 0 && find_flag(app_, word.substr(2, word.find('=') - 2)) != nullptr;
  }

  const CLI::App& app_;
  const std::string command_;
  const std::vector<std::string>& words_;
  std::size_t next_;
};

}  // namespace

std::vector<std::string> normalised_arguments(const CLI::App& root, const std::vector<std::string>& words) {
  const CLI::App* app = &root;
  std::string command = root.get_name();
  std::vector<std::string> output;
  std::size_t next = 0;
  while (next < words.size() && words[next].rfind('-', 0) != 0) {
    const std::vector<const CLI::App*> subcommands = subcommands_of(*app);
    if (subcommands.empty()) break;
    const auto found = std::find_if(subcommands.begin(), subcommands.end(), [&](const CLI::App* subcommand) {
      return subcommand->get_name() == words[next];
    });
    if (found == subcommands.end()) refuse_subcommand(*app, command, words[next]);
    app = *found;
    command += " " + words[next];
    output.push_back(words[next++]);
  }
  if (app != &root && next == words.size() && !subcommands_of(*app).empty()) {
    throw UsageError("'" + command + "' needs one of: " + join(subcommand_names(*app), ", "));
  }
  Normaliser(*app, command, words, next).run(output);
  return output;
}

}  // namespace deepmoe::command
