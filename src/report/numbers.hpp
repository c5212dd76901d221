#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace deepmoe {

/// Numbers as people read them. What is not defined is "not defined", in words.

std::string fixed(double number, int digits);
std::string fixed(const std::optional<double>& number, int digits);
/// 0.5123 as "51.2 %".
std::string percent(double share, int digits = 1);
std::string percent(const std::optional<double>& share, int digits = 1);
/// 11173962 as "11,173,962".
std::string grouped(std::int64_t number);
/// 557889024 as "557.9 M".
std::string magnitude(double number);
/// The same for a round number: "2 M".
std::string round_magnitude(double number);
/// As few digits as say what it is: "0.05", "12", "1e-05".
std::string brief(double number);
/// "1 image", "2 images".
std::string counted(std::int64_t number, const std::string& one, const std::string& many);

}  // namespace deepmoe
