#include "options/table.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "base/base.hpp"

namespace deepmoe {
namespace {

const std::vector<OptionDeclaration>& table() {
  static const std::vector<OptionDeclaration> rows = [] {
    std::vector<OptionDeclaration> all = network_options();
    for (const auto& part : {gate_options(), loss_options(), training_options()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace

std::span<const OptionDeclaration> option_declarations() { return table(); }

const OptionDeclaration& option_declaration(std::string_view name) {
  static const std::map<std::string_view, const OptionDeclaration*> rows = [] {
    std::map<std::string_view, const OptionDeclaration*> by_name;
    for (const OptionDeclaration& row : table()) by_name.emplace(row.name, &row);
    return by_name;
  }();
  if (const auto found = rows.find(name); found != rows.end()) return *found->second;
  std::vector<std::string> names;
  for (const OptionDeclaration& row : table()) names.emplace_back(row.name);
  fail(ErrorCode::not_found, "there is no option called '", name, "'.", suggestion(name, names));
}

const std::string& default_text(std::string_view name) {
  static const std::map<std::string, std::string, std::less<>> defaults = [] {
    std::map<std::string, std::string, std::less<>> by_name;
    for (const OptionDeclaration& row : table()) by_name.emplace(row.name, row.default_value);
    return by_name;
  }();
  return defaults.find(name)->second;
}

std::string environment_variable(std::string_view name) {
  std::string variable = "DEEPMOE_";
  for (const char letter : name) {
    variable += letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  }
  return variable;
}

}  // namespace deepmoe
