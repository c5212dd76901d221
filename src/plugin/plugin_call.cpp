#include "plugin/plugin_call.hpp"

namespace deepmoe {
namespace {

constexpr std::int32_t invalid = static_cast<std::int32_t>(ErrorCode::invalid_argument);
constexpr std::int32_t internal = static_cast<std::int32_t>(ErrorCode::internal);

// Plugins call these: nothing may be thrown into their frames.

std::int32_t put(dmoe_plugin_text* text, const char* bytes, std::int64_t size) noexcept {
  if (text == nullptr || size < 0 || (bytes == nullptr && size > 0)) return invalid;
  try {
    text->value = size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
    return 0;
  } catch (...) {
    return static_cast<std::int32_t>(ErrorCode::out_of_memory);
  }
}

std::int32_t fail_with(dmoe_plugin_text* error, std::int32_t status, const char* message) noexcept {
  if (error != nullptr) {
    try {
      error->value = message != nullptr ? message : "";
    } catch (...) {  // The status has to do.
    }
  }
  return status != 0 ? status : internal;
}

void write_log(std::int32_t level, const char* message) noexcept {
  if (message == nullptr) return;
  const bool known = level >= 0 && level <= static_cast<std::int32_t>(LogLevel::debug);
  try {
    log(known ? static_cast<LogLevel>(level) : LogLevel::info, message);
  } catch (...) {  // A log has nowhere to report to.
  }
}

}  // namespace

const dmoe_plugin_api& plugin_api() {
  static const dmoe_plugin_api api = {DMOE_PLUGIN_TABLE(dmoe_plugin_api), &put, &fail_with, &write_log};
  return api;
}

ErrorCode plugin_error_code(std::int32_t status) {
  const bool known = status >= invalid && status <= internal;
  return known ? static_cast<ErrorCode>(status) : ErrorCode::internal;
}

void fail_thrown(const PluginPart& part, const char* function) {
  std::string what = "of unknown type";
  try {
    throw;
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {
  }
  fail(ErrorCode::internal, part.file, ": ", part.name, " threw an exception in ", function, ": ", what);
}

nlohmann::json parse_plugin_json(const PluginPart& part, const char* name, const std::string& text) {
  constexpr int deepest = 100;
  bool too_deep = false;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth > deepest;
    return !too_deep;
  };
  nlohmann::json json = nlohmann::json::parse(text, watch, false);
  if (too_deep) {
    fail(ErrorCode::format, part.file, ": ", part.name, ": the JSON that ", name,
         " gave is nested more than ", deepest, " deep");
  }
  if (json.is_discarded()) {
    fail(ErrorCode::format, part.file, ": ", part.name, ": what ", name, " gave is not JSON: '",
         text.substr(0, 80), "'");
  }
  return json;
}

}  // namespace deepmoe
