#include "text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>
#include <utility>

namespace deepmoe::command {

std::string join(const std::vector<std::string>& items, const std::string& separator) {
  std::string joined;
  for (const std::string& item : items) {
    if (!joined.empty()) joined += separator;
    joined += item;
  }
  return joined;
}

std::string wrap(const std::string& text, std::size_t width) {
  std::istringstream words(text);
  std::string wrapped, word;
  std::size_t column = 0;
  while (words >> word) {
    if (column > 0 && column + 1 + word.size() > width) {
      wrapped += '\n';
      column = 0;
    } else if (column > 0) {
      wrapped += ' ';
      ++column;
    }
    wrapped += word;
    column += word.size();
  }
  return wrapped;
}

std::string fixed(double number, int digits) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, number);
  return buffer;
}

std::string percent(double share, int digits) { return fixed(100.0 * share, digits) + " %"; }

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t sign = number < 0 ? 1 : 0;
  for (std::size_t position = digits.size(); position > sign + 3;) {
    position -= 3;
    digits.insert(position, ",");
  }
  return digits;
}

std::string magnitude(double number) {
  for (const auto& [scale, unit] : {std::pair(1e12, " T"), {1e9, " G"}, {1e6, " M"}, {1e3, " k"}}) {
    if (std::abs(number) >= scale) {
      const double scaled = number / scale;
      return fixed(scaled, std::abs(scaled) < 10 ? 2 : 1) + unit;
    }
  }
  return fixed(number, 0);
}

std::string duration(double seconds) {
  if (seconds < 10) return fixed(std::max(seconds, 0.0), 1) + " s";
  if (seconds > 1e9) return "?";
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return std::to_string(whole) + " s";
  char buffer[64];
  if (whole < 3600) {
    std::snprintf(buffer, sizeof buffer, "%d:%02d min", static_cast<int>(whole / 60),
                  static_cast<int>(whole % 60));
  } else {
    std::snprintf(buffer, sizeof buffer, "%d:%02d:%02d h", static_cast<int>(whole / 3600),
                  static_cast<int>(whole / 60 % 60), static_cast<int>(whole % 60));
  }
  return buffer;
}

std::string bar(double share, std::size_t width) {
  const double bounded = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0.0;
  const auto filled = static_cast<std::size_t>(std::lround(bounded * static_cast<double>(width)));
  return std::string(filled, '#') + std::string(width - filled, '.');
}

std::string option_text(const nlohmann::ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) {
    const double number = value;
    // 1 rather than 1.0, as people write it.
    if (std::trunc(number) == number && std::abs(number) < 1e15) return fixed(number, 0);
  }
  if (!value.is_array()) return value.dump();
  std::vector<std::string> items;
  for (const auto& item : value) items.push_back(option_text(item));
  return join(items, ",");
}

bool has_number(const nlohmann::ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number();
}

double number_or(const nlohmann::ordered_json& object, const char* key, double otherwise) {
  return has_number(object, key) ? object.at(key).get<double>() : otherwise;
}

}  // namespace deepmoe::command
