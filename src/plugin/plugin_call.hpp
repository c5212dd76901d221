#pragma once

/// Calls of a plugin's functions, from which no exception escapes but an Error that names the file.

#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "base/base.hpp"
#include "deepmoe_plugin.h"

/// Behind the handle of deepmoe_plugin.h.
struct dmoe_plugin_text {
  std::string value;
};

namespace deepmoe {

/// The host's API, of the version that this library was built with.
const dmoe_plugin_api& plugin_api();

/// Whose function it is, for messages: the file, and e.g. "data set 'stripes'".
struct PluginPart {
  std::string file, name;
};

/// The status as an ErrorCode, those that are none being internal.
ErrorCode plugin_error_code(std::int32_t status);

/// Throws Error(internal) for the exception being handled.
[[noreturn]] void fail_thrown(const PluginPart& part, const char* function);

/// Calls a function whose last parameter is the error's text.
template <class Function, class... Arguments>
void call_plugin(const PluginPart& part, const char* name, Function* function, Arguments... arguments) {
  dmoe_plugin_text error;
  std::int32_t status = 0;
  try {
    status = function(arguments..., &error);
  } catch (...) {
    fail_thrown(part, name);
  }
  if (status == 0) return;
  fail(plugin_error_code(status), part.file, ": ", part.name, " failed in ", name, ": ",
       error.value.empty() ? concat("status ", status, ", without a reason") : error.value);
}

/// What a function gave as JSON. Errors: format for what is no JSON, or nested so deeply that it would
/// exhaust the stack of whoever walks it.
nlohmann::json parse_plugin_json(const PluginPart& part, const char* name, const std::string& text);

/// Calls a function that puts JSON into the last parameter but one.
template <class Function, class... Arguments>
nlohmann::json json_from_plugin(const PluginPart& part, const char* name, Function* function,
                                Arguments... arguments) {
  dmoe_plugin_text text;
  call_plugin(part, name, function, arguments..., &text);
  return parse_plugin_json(part, name, text.value);
}

/// Calls a function that cannot fail; what it throws is logged.
template <class Function>
void release_plugin_object(const PluginPart& part, const char* name, Function* function,
                           void* object) noexcept {
  try {
    function(object);
  } catch (...) {
    log(LogLevel::warning, part.file + ": " + part.name + " threw an exception in " + name);
  }
}

}  // namespace deepmoe
