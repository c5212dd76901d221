#include "json_argument.hpp"

#include <nlohmann/json.hpp>

#include "handles.hpp"

namespace deepmoe::capi {

nlohmann::json json_object(const char* text, const char* parameter) {
  require(text, parameter);
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::format, parameter, " is not valid JSON: ", error.what());
  }
  if (!json.is_object()) {
    fail(ErrorCode::format, parameter, " must be a JSON object, but is of type ", json.type_name());
  }
  return json;
}

}  // namespace deepmoe::capi
