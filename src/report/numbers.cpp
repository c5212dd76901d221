#include "report/numbers.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace deepmoe {
namespace {

const std::string undefined = "not defined";

}  // namespace

std::string fixed(double number, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, number);
  return text.data();
}

std::string fixed(const std::optional<double>& number, int digits) {
  return number ? fixed(*number, digits) : undefined;
}

std::string percent(double share, int digits) { return fixed(100 * share, digits) + " %"; }

std::string percent(const std::optional<double>& share, int digits) {
  return share ? percent(*share, digits) : undefined;
}

std::string grouped(std::int64_t number) {
  const std::string digits = std::to_string(number);
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > first && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string magnitude(double number) {
  constexpr std::array<const char*, 5> units{"", " k", " M", " G", " T"};
  std::size_t unit = 0;
  double rest = number;
  while (std::abs(rest) >= 999.95 && unit + 1 < units.size()) {
    rest /= 1000;
    ++unit;
  }
  const bool whole = unit == 0 && rest == std::floor(rest);
  return fixed(rest, whole ? 0 : 1) + units[unit];
}

std::string round_magnitude(double number) {
  std::string text = magnitude(number);
  if (const std::size_t place = text.find(".0"); place != std::string::npos) text.erase(place, 2);
  return text;
}

std::string brief(double number) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.4g", number);
  return text.data();
}

std::string counted(std::int64_t number, const std::string& one, const std::string& many) {
  return grouped(number) + " " + (number == 1 ? one : many);
}

}  // namespace deepmoe
