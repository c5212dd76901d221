#include <nlohmann/json.hpp>

#include "base/base.hpp"
#include "options/options.hpp"
#include "options/value.hpp"

namespace deepmoe {
namespace {

void require_type(std::string_view name, OptionType type) {
  const OptionDeclaration& row = option_declaration(name);
  if (row.type != type) {
    fail(ErrorCode::internal, "option '", name, "' is of type ", type_name(row.type), " but was read as ",
         type_name(type));
  }
}

}  // namespace

bool Options::boolean(std::string_view name) const {
  require_type(name, OptionType::boolean);
  return resolve(name, nullptr) == "true";
}

std::int64_t Options::integer(std::string_view name) const {
  require_type(name, OptionType::integer);
  return integer_of(resolve(name, nullptr));
}

double Options::real(std::string_view name) const {
  require_type(name, OptionType::real);
  return real_of(resolve(name, nullptr));
}

std::string Options::text(std::string_view name) const {
  require_type(name, OptionType::text);
  return resolve(name, nullptr);
}

std::vector<std::int64_t> Options::integers(std::string_view name) const {
  require_type(name, OptionType::integer_list);
  std::vector<std::int64_t> numbers;
  for (const std::string_view item : list_of(resolve(name, nullptr))) numbers.push_back(integer_of(item));
  return numbers;
}

std::vector<double> Options::reals(std::string_view name) const {
  require_type(name, OptionType::real_list);
  std::vector<double> numbers;
  for (const std::string_view item : list_of(resolve(name, nullptr))) numbers.push_back(real_of(item));
  return numbers;
}

nlohmann::json Options::resolved() const {
  nlohmann::json object = nlohmann::json::object();
  for (const OptionDeclaration& row : option_declarations()) {
    object[std::string(row.name)] = json_of_text(row.type, resolve(row.name, nullptr));
  }
  return object;
}

}  // namespace deepmoe
