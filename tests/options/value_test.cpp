#include "options/value.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "base/require_error.hpp"

using namespace deepmoe;

namespace {

std::string canonical(std::string_view name, std::string_view value) {
  return canonical_value(option_declaration(name), value);
}

void refused(std::string_view name, std::string_view value, const std::string& words,
             ErrorCode code = ErrorCode::invalid_argument) {
  require_error(code, {concat("'", name, "'"), words}, [&] { canonical(name, value); });
}

}  // namespace

TEST_CASE("booleans are read in all their spellings") {
  for (const char* yes : {"true", "1", "on", "yes"}) CHECK(canonical("wide", yes) == "true");
  for (const char* no : {"false", "0", "off", "no"}) CHECK(canonical("wide", no) == "false");
  refused("wide", "maybe", "true or false");
  refused("wide", "", "true or false");
  refused("wide", "True ", "true or false");
}

TEST_CASE("integers are read whole or refused with their range") {
  CHECK(canonical("epochs", "7") == "7");
  CHECK(canonical("epochs", "+007") == "7");
  CHECK(canonical("seed", "9007199254740992") == "9007199254740992");
  for (const char* value : {"", " 7", "7 ", "7x", "7.5", "1e2", "0x10", "+-7", "99999999999999999999"}) {
    refused("epochs", value, "whole number from 1 to 100000");
  }
  refused("epochs", "0", "from 1 to 100000");
  refused("epochs", "100001", "from 1 to 100000");
  refused("seed", "9007199254740993", "to 9007199254740992");
}

TEST_CASE("real numbers are read whole and finite or refused with their range") {
  CHECK(canonical("lr", "1e-4") == "1e-4");
  CHECK(canonical("lr", "0.0001") == "1e-4");
  CHECK(canonical("lr", "+.5") == "0.5");
  CHECK(canonical("lr", "1E2") == "100");
  CHECK(canonical("lr", "-0") == "0");
  for (const char* value : {"", "nan", "inf", "-inf", "1e999", "0.1x", " 0.1", "0,1", "0x1p3", "--1"}) {
    refused("lr", value, "number from 0 to 1000");
  }
  refused("lr", "-0.1", "from 0 to 1000");
  refused("width", "0", "above 0 and at most 16");
  refused("momentum", "1", "at least 0 and below 1");
  CHECK(canonical("momentum", "0.9999") == "0.9999");
  CHECK(canonical("width", "16") == "16");
}

TEST_CASE("canonical text of a real number reads back as the same number") {
  std::mt19937_64 random(1);
  const OptionDeclaration row{
      .name = "x", .type = OptionType::real, .group = "data", .default_value = "0", .help = "Help."};
  std::uniform_real_distribution<double> mantissa(-10, 10);
  std::uniform_int_distribution<int> exponent(-300, 300);
  for (int i = 0; i < 2000; ++i) {
    const double number = mantissa(random) * std::pow(10.0, exponent(random));
    const nlohmann::json json = number;
    const std::string text = canonical_value(row, json.dump());
    CHECK(real_of(text) == number);
    CHECK(canonical_value(row, text) == text);
    CHECK(text_of_json(row, json) == text);
  }
}

TEST_CASE("lists are separated by commas or spaces") {
  CHECK(canonical("milestones", "150,250") == "150,250");
  CHECK(canonical("milestones", " 150  250 ") == "150,250");
  CHECK(canonical("milestones", "150, 250") == "150,250");
  CHECK(canonical("milestones", "") == "");
  CHECK(canonical("betas", "0.5 0.95") == "0.5,0.95");
}

TEST_CASE("lists are refused when an element or their order is wrong") {
  refused("milestones", "150,x", "whole number from 1 to 100000");
  refused("milestones", "0,150", "from 1 to 100000");
  refused("milestones", "250,150", "ascending epochs");
  refused("milestones", "150,150", "ascending epochs");
  refused("density_window", "0.5", "two ascending shares");
  refused("influence_window", "0.5,0.25", "two ascending shares");
  refused("gate_density", "", "one share or one for each layer");
  refused("gate_density", "0.5,0", "above 0 and at most 1");
  refused("betas", "0.9", "two numbers");
  refused("betas", "0.9,0.99,0.999", "two numbers");
  refused("betas", "0.9,1", "at least 0 and below 1");
}

TEST_CASE("a value that is no choice is refused with the choices and the nearest one") {
  refused("optimizer", "adma",
          "one of sgd, adam, adamw, rmsprop, adagrad, adadelta, adamax, not 'adma'. Did you mean 'adam'?");
  refused("embedding_layers", "3", "one of 0, 4, 5");
  CHECK(canonical("embedding_layers", "5") == "5");
}

TEST_CASE("a choice without effect is refused in words") {
  const OptionDeclaration row = {.name = "fruit",
                                 .type = OptionType::text,
                                 .group = "data",
                                 .default_value = "apple",
                                 .choices = {"apple", "pear", "quince"},
                                 .unavailable = {"quince"},
                                 .help = "A fruit."};
  CHECK(canonical_value(row, "pear") == "pear");
  require_error(ErrorCode::unsupported, {"'quince' has no effect in this version; choose one of apple, pear"},
                [&] { canonical_value(row, "quince"); });
}

TEST_CASE("a data set may be named as that of a plugin") {
  CHECK(canonical("dataset", "sample:stripes") == "sample:stripes");
  for (const char* value : {":stripes", "sample:", "sample"})
    refused("dataset", value, "must be one of synthetic");
}

TEST_CASE("an option without effect takes its default only") {
  const OptionDeclaration ripeness = {.name = "ripeness",
                                      .type = OptionType::real,
                                      .group = "data",
                                      .default_value = "1",
                                      .available = false,
                                      .help = "How sweet."};
  require_error(ErrorCode::unsupported, {"has no effect in this version"},
                [&] { canonical_value(ripeness, "0.5"); });
  require_error(ErrorCode::invalid_argument, {"must be a number"},
                [&] { canonical_value(ripeness, "much"); });
  CHECK(canonical_value(ripeness, "1.0") == "1");
  for (const OptionDeclaration& row : option_declarations()) {
    if (row.available) continue;
    CAPTURE(row.name);
    CHECK(canonical_value(row, row.default_value) == row.default_value);
  }
}

TEST_CASE("text must be UTF-8 without zero bytes") {
  CHECK(canonical("data_dir", "bücher/猫") == "bücher/猫");
  refused("data_dir", "a\xff", "UTF-8");
  refused("data_dir", std::string_view("a\0b", 3), "zero byte");
}

TEST_CASE("JSON values are taken in the option's type or as text") {
  const auto text = [](std::string_view name, const nlohmann::json& value) {
    return canonical(name, text_of_json(option_declaration(name), value));
  };
  CHECK(text("wide", true) == "true");
  CHECK(text("epochs", 3) == "3");
  CHECK(text("epochs", 3.0) == "3");
  CHECK(text("epochs", "3") == "3");
  CHECK(text("lr", 1) == "1");
  CHECK(text("lr", 0.05) == "0.05");
  CHECK(text("milestones", {1, 2}) == "1,2");
  CHECK(text("milestones", nlohmann::json::array()) == "");
  CHECK(text("milestones", 5) == "5");
  CHECK(text("betas", {0, 0.5}) == "0,0.5");
  CHECK(text("embedding_layers", 4) == "4");
}

TEST_CASE("JSON values of another type are refused with the type") {
  const auto refused_json = [](std::string_view name, const nlohmann::json& value, const std::string& words) {
    require_error(ErrorCode::invalid_argument, {concat("'", name, "'"), words}, [&] {
      const OptionDeclaration& row = option_declaration(name);
      canonical_value(row, text_of_json(row, value));
    });
  };
  refused_json("wide", 1, "of type boolean");
  refused_json("epochs", true, "of type integer");
  refused_json("epochs", 2.5, "whole number");
  refused_json("epochs", nullptr, "of type integer");
  refused_json("epochs", {3}, "of type integer");
  refused_json("epochs", 18446744073709551615ULL, "whole number");
  refused_json("lr", std::numeric_limits<double>::infinity(), "number from 0");
  refused_json("lr", std::numeric_limits<double>::quiet_NaN(), "number from 0");
  refused_json("model", 18, "of type text");
  refused_json("milestones", {1, "2"}, "list of numbers");
  refused_json("milestones", {1, 2.5}, "whole number");
  refused_json("milestones", nlohmann::json::object(), "of type integer_list");
}
