#include "events.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "strings.hpp"

namespace deepmoe::capi {

EventCallback event_receiver(dmoe_event_callback callback, void* user_data) {
  if (callback == nullptr) return {};
  return [callback, user_data](Event event, const nlohmann::json& details) {
    const std::string json = json_text(details);
    return callback(static_cast<std::int32_t>(event), json.c_str(), user_data);
  };
}

}  // namespace deepmoe::capi
