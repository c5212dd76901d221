#include "options/value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/base.hpp"

namespace deepmoe {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || text.empty()) return std::nullopt;
  return number;
}

std::string real_text(double number) {
  if (std::trunc(number) == number && std::abs(number) < 1e16) {
    return std::to_string(static_cast<std::int64_t>(number));
  }
  char buffer[32];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, number);
  std::string text(buffer, written.ptr);
  // People write 1e-8, to_chars 1e-08.
  if (const std::size_t exponent = text.find('e'); exponent != std::string::npos) {
    std::size_t digit = exponent + 1;
    if (text[digit] == '+') text.erase(digit, 1);
    if (text[digit] == '-') ++digit;
    while (digit + 1 < text.size() && text[digit] == '0') text.erase(digit, 1);
  }
  return text;
}

[[noreturn]] void refuse(const OptionDeclaration& row, std::string_view value, const std::string& wish) {
  fail(ErrorCode::invalid_argument, "option '", row.name, "' must be ", wish, ", not '", value, "'");
}

/// In the type of the number: a double would not tell 2^53 from 2^53 + 1.
template <class Number>
void check_range(const OptionDeclaration& row, Number number, std::string_view value) {
  const Number minimum = static_cast<Number>(row.minimum.value_or(0));
  const Number maximum = static_cast<Number>(row.maximum.value_or(0));
  const bool too_small = row.minimum && (row.minimum_excluded ? number <= minimum : number < minimum);
  const bool too_large = row.maximum && (row.maximum_excluded ? number >= maximum : number > maximum);
  if (too_small || too_large) refuse(row, value, range_words(row));
}

std::string canonical_boolean(const OptionDeclaration& row, std::string_view value) {
  if (value == "true" || value == "1" || value == "on" || value == "yes") return "true";
  if (value == "false" || value == "0" || value == "off" || value == "no") return "false";
  refuse(row, value, "true or false (or 1, 0, on, off, yes, no)");
}

std::string canonical_integer(const OptionDeclaration& row, std::string_view value) {
  const std::optional<std::int64_t> number = parse_number<std::int64_t>(value);
  if (!number) {
    const std::string range = range_words(row);
    refuse(row, value, range.empty() ? "a whole number" : "a whole number " + range);
  }
  check_range(row, *number, value);
  return std::to_string(*number);
}

std::string canonical_real(const OptionDeclaration& row, std::string_view value) {
  const std::optional<double> number = parse_number<double>(value);
  if (!number || !std::isfinite(*number)) {
    const std::string range = range_words(row);
    refuse(row, value, range.empty() ? "a number" : "a number " + range);
  }
  check_range(row, *number, value);
  return real_text(*number);
}

std::string canonical_text(const OptionDeclaration& row, std::string_view value) {
  // Values are written to JSON and handed to the operating system as C strings.
  if (value.find('\0') != std::string_view::npos) {
    fail(ErrorCode::invalid_argument, "option '", row.name, "' must not contain a zero byte");
  }
  try {
    static_cast<void>(nlohmann::json(std::string(value)).dump());
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::invalid_argument, "option '", row.name, "' must be text in UTF-8");
  }
  return std::string(value);
}

/// PLUGIN:NAME; whether there is such a thing is known when the plugin is loaded.
bool names_plugin(const OptionDeclaration& row, const std::string& value) {
  const std::size_t colon = value.find(':');
  return row.name == "dataset" && colon != std::string::npos && colon > 0 && colon + 1 < value.size();
}

void check_choice(const OptionDeclaration& row, const std::string& value) {
  if (row.choices.empty() || names_plugin(row, value)) return;
  const auto is_absent = [&](std::string_view choice) {
    return std::find(row.unavailable.begin(), row.unavailable.end(), choice) != row.unavailable.end();
  };
  std::vector<std::string> present;
  for (const std::string_view choice : row.choices) {
    if (!is_absent(choice)) present.emplace_back(choice);
  }
  if (std::find(present.begin(), present.end(), value) != present.end()) return;
  if (is_absent(value)) {
    fail(ErrorCode::unsupported, "option '", row.name, "': '", value,
         "' has no effect in this version; choose one of ", join(present));
  }
  fail(ErrorCode::invalid_argument, "option '", row.name, "' must be one of ", join(present), ", not '",
       value, "'.", suggestion(value, present));
}

void check_list(const OptionDeclaration& row, const std::vector<std::string>& items, std::string_view value) {
  if (row.name == "betas" && items.size() != 2) refuse(row, value, "two numbers, e.g. 0.9,0.999");
  if (row.name.ends_with("_window") && (items.size() != 2 || real_of(items[0]) > real_of(items[1]))) {
    refuse(row, value, "two ascending shares of the run, e.g. 0,0.5");
  }
  if (row.name == "gate_density" && items.empty()) refuse(row, value, "one share or one for each layer");
  if (row.name == "milestones") {
    for (std::size_t i = 1; i < items.size(); ++i) {
      if (integer_of(items[i - 1]) >= integer_of(items[i]))
        refuse(row, value, "ascending epochs, e.g. 150,250");
    }
  }
}

std::string canonical_list(const OptionDeclaration& row, std::string_view value) {
  std::vector<std::string> items;
  for (const std::string_view item : list_of(value)) {
    items.push_back(row.type == OptionType::integer_list ? canonical_integer(row, item)
                                                         : canonical_real(row, item));
  }
  check_list(row, items, value);
  return join(items, ",");
}

std::string canonical_of_type(const OptionDeclaration& row, std::string_view value) {
  switch (row.type) {
    case OptionType::boolean:
      return canonical_boolean(row, value);
    case OptionType::integer:
      return canonical_integer(row, value);
    case OptionType::real:
      return canonical_real(row, value);
    case OptionType::text:
      return canonical_text(row, value);
    case OptionType::integer_list:
    case OptionType::real_list:
      return canonical_list(row, value);
  }
  fail(ErrorCode::internal, "option '", row.name, "' has no type");
}

}  // namespace

std::string canonical_value(const OptionDeclaration& row, std::string_view value) {
  std::string canonical = canonical_of_type(row, value);
  if (!row.available && canonical != row.default_value) {
    fail(ErrorCode::unsupported, "option '", row.name, "' has no effect in this version, so '", value,
         "' is refused; leave it out",
         row.default_value.empty() ? std::string() : concat(" (it is ", row.default_value, ")"));
  }
  check_choice(row, canonical);
  return canonical;
}

std::string text_of_json(const OptionDeclaration& row, const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  const bool list = row.type == OptionType::integer_list || row.type == OptionType::real_list;
  const bool number = list || row.type == OptionType::integer || row.type == OptionType::real;
  if (value.is_boolean() && row.type == OptionType::boolean) return value.get<bool>() ? "true" : "false";
  if (value.is_number_float() && number) return real_text(value.get<double>());
  if (value.is_number() && number) return value.dump();
  if (value.is_array() && list) {
    std::vector<std::string> items;
    for (const nlohmann::json& item : value) {
      if (!item.is_number()) refuse(row, value.dump(), "a list of numbers");
      items.push_back(text_of_json(row, item));
    }
    return join(items, ",");
  }
  refuse(row, value.dump(), concat("of type ", type_name(row.type)));
}

nlohmann::json json_of_text(OptionType type, const std::string& canonical) {
  switch (type) {
    case OptionType::boolean:
      return canonical == "true";
    case OptionType::integer:
      return integer_of(canonical);
    case OptionType::real:
      return real_of(canonical);
    case OptionType::text:
      return canonical;
    case OptionType::integer_list:
    case OptionType::real_list:
      break;
  }
  nlohmann::json list = nlohmann::json::array();
  for (const std::string_view item : list_of(canonical)) {
    if (type == OptionType::integer_list) {
      list.push_back(integer_of(item));
    } else {
      list.push_back(real_of(item));
    }
  }
  return list;
}

std::string range_words(const OptionDeclaration& row) {
  if (row.minimum && row.maximum && !row.minimum_excluded && !row.maximum_excluded) {
    return concat("from ", real_text(*row.minimum), " to ", real_text(*row.maximum));
  }
  std::string words;
  if (row.minimum) words = concat(row.minimum_excluded ? "above " : "at least ", real_text(*row.minimum));
  if (row.minimum && row.maximum) words += " and ";
  if (row.maximum) words += concat(row.maximum_excluded ? "below " : "at most ", real_text(*row.maximum));
  return words;
}

std::string_view type_name(OptionType type) {
  switch (type) {
    case OptionType::boolean:
      return "boolean";
    case OptionType::integer:
      return "integer";
    case OptionType::real:
      return "real";
    case OptionType::text:
      return "text";
    case OptionType::integer_list:
      return "integer_list";
    case OptionType::real_list:
      return "real_list";
  }
  return "";
}

std::int64_t integer_of(std::string_view canonical) { return parse_number<std::int64_t>(canonical).value(); }

double real_of(std::string_view canonical) { return parse_number<double>(canonical).value(); }

std::vector<std::string_view> list_of(std::string_view text) {
  std::vector<std::string_view> items;
  constexpr std::string_view separators = ", ";
  for (std::size_t start = text.find_first_not_of(separators); start != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(separators, start), text.size());
    items.push_back(text.substr(start, end - start));
    start = text.find_first_not_of(separators, end);
  }
  return items;
}

}  // namespace deepmoe
