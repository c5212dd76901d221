#include "strings.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "objects.hpp"

namespace deepmoe::capi {

std::string json_text(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

dmoe_string* new_string(std::string text) { return new dmoe_string(std::move(text)); }

dmoe_string* new_string(const nlohmann::json& json) { return new dmoe_string(json_text(json)); }

}  // namespace deepmoe::capi

using namespace deepmoe::capi;

const char* dmoe_string_data(const dmoe_string* string) {
  const dmoe_string* object = known(string);
  return object != nullptr ? object->text.c_str() : "";
}

int64_t dmoe_string_size(const dmoe_string* string) {
  const dmoe_string* object = known(string);
  return object != nullptr ? static_cast<int64_t>(object->text.size()) : 0;
}

void dmoe_string_release(dmoe_string* string) { release(string); }
