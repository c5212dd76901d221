#pragma once

/// Words and numbers as people read them.

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace deepmoe::command {

std::string join(const std::vector<std::string>& items, const std::string& separator);

/// `text` with line breaks at spaces so that no line is longer than `width`, where words allow.
std::string wrap(const std::string& text, std::size_t width);

/// A number with `digits` decimals.
std::string fixed(double number, int digits);
/// 0.5123 as "51.23 %".
std::string percent(double share, int digits = 2);
/// 11173962 as "11,173,962".
std::string grouped(std::int64_t number);
/// 557889024 as "557.9 M".
std::string magnitude(double number);
/// Seconds as "0.8 s", "42 s", "3:07 min" or "2:03:07 h".
std::string duration(double seconds);
/// A bar of `width` characters filled to `share` (0..1).
std::string bar(double share, std::size_t width);

/// An option's value in JSON as the text that its flag takes.
std::string option_text(const nlohmann::ordered_json& value);

/// The number under `key`, or `otherwise` where it is absent or null.
double number_or(const nlohmann::ordered_json& object, const char* key, double otherwise);
bool has_number(const nlohmann::ordered_json& object, const char* key);

}  // namespace deepmoe::command
