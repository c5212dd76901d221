#pragma once

/// The C ABI with owners for its objects and an exception for its errors.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "deepmoe.h"
#include "failure.hpp"

namespace deepmoe::command {

/// Owns one object of the library.
template <class Object, void (*release)(Object*)>
class Handle {
 public:
  Handle() = default;
  Handle(Handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Handle() { release(object_); }

  Object* get() const noexcept { return object_; }
  /// Where a function of the library puts a new object; for an empty handle only.
  Object** out() noexcept { return &object_; }

 private:
  Object* object_ = nullptr;
};

using ErrorHandle = Handle<dmoe_error, dmoe_error_release>;
using StringHandle = Handle<dmoe_string, dmoe_string_release>;
using OptionsHandle = Handle<dmoe_options, dmoe_options_release>;
using TensorsHandle = Handle<dmoe_tensors, dmoe_tensors_release>;
using DatasetHandle = Handle<dmoe_dataset, dmoe_dataset_release>;
using LoaderHandle = Handle<dmoe_loader, dmoe_loader_release>;
using ModelHandle = Handle<dmoe_model, dmoe_model_release>;
using EngineHandle = Handle<dmoe_engine, dmoe_engine_release>;
using PluginHandle = Handle<dmoe_plugin, dmoe_plugin_release>;
using ReportHandle = Handle<dmoe_report, dmoe_report_release>;
using TrainerHandle = Handle<dmoe_trainer, dmoe_trainer_release>;

/// Calls a function of the library whose last parameter is `dmoe_error**`; throws LibraryError when it fails.
template <class Function, class... Arguments>
void call(Function* function, Arguments... arguments) {
  ErrorHandle error;
  const std::int32_t status = function(arguments..., error.out());
  if (status == DMOE_OK) return;
  const std::string message = dmoe_error_message(error.get());
  throw LibraryError(status, message.empty() ? dmoe_status_name(status) : message);
}

/// The text that a function of the library returns through its last but one parameter.
template <class Function, class... Arguments>
std::string text_from(Function* function, Arguments... arguments) {
  StringHandle text;
  call(function, arguments..., text.out());
  return {dmoe_string_data(text.get()), static_cast<std::size_t>(dmoe_string_size(text.get()))};
}

/// The same for JSON. Members keep the library's order.
template <class Function, class... Arguments>
nlohmann::ordered_json json_from(Function* function, Arguments... arguments) {
  return nlohmann::ordered_json::parse(text_from(function, arguments...));
}

/// The value of one option as text.
inline std::string option_value(const OptionsHandle& options, const char* name) {
  return text_from(dmoe_options_get, static_cast<const dmoe_options*>(options.get()), name);
}

/// The value of an option that is a whole number.
inline std::int64_t option_integer(const OptionsHandle& options, const char* name) {
  return std::stoll(option_value(options, name));
}

/// Sets one option with the precedence of a flag.
inline void set_option(const OptionsHandle& options, const char* name, const std::string& value) {
  call(dmoe_options_set, options.get(), name, value.c_str());
}

}  // namespace deepmoe::command
