#include "engine_settings.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "base/base.hpp"
#include "json_argument.hpp"
#include "strings.hpp"

namespace deepmoe::capi {
namespace {

using nlohmann::json;

template <class... Parts>
[[noreturn]] void refuse(const std::string& name, const json& value, const Parts&... parts) {
  fail(ErrorCode::invalid_argument, "member '", name, "' of settings_json is ", json_text(value),
       ", must be ", parts...);
}

std::int32_t whole_number(const std::string& name, const json& value) {
  // By itself, -1 is signed and 1 is not; a comparison of either with numbers is done in numbers.
  if (!value.is_number_integer() || value < 0 || value > std::numeric_limits<std::int32_t>::max()) {
    refuse(name, value, "a whole number that is not negative");
  }
  return value.get<std::int32_t>();
}

bool truth(const std::string& name, const json& value) {
  if (!value.is_boolean()) refuse(name, value, "true or false");
  return value.get<bool>();
}

WeightPrecision precision(const std::string& name, const json& value) {
  if (value == "fp32") return WeightPrecision::fp32;
  if (value == "bf16") return WeightPrecision::bf16;
  refuse(name, value, "\"fp32\" or \"bf16\"");
}

}  // namespace

EngineSettings engine_settings(const char* settings_json) {
  EngineSettings settings;
  if (settings_json == nullptr) return settings;
  const json object = json_object(settings_json, "settings_json");
  for (const auto& [name, value] : object.items()) {
    if (name == "image_size") {
      settings.image_size = whole_number(name, value);
    } else if (name == "threads") {
      settings.threads = whole_number(name, value);
    } else if (name == "precision") {
      settings.precision = precision(name, value);
    } else if (name == "skip") {
      settings.skip = truth(name, value);
    } else if (name == "profile") {
      settings.profile = truth(name, value);
    } else {
      fail(ErrorCode::not_found, "settings_json has a member '", name, "', but the settings are image_size, ",
           "threads, precision, skip and profile.",
           suggestion(name, {"image_size", "threads", "precision", "skip", "profile"}));
    }
  }
  return settings;
}

}  // namespace deepmoe::capi
