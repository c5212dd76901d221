#include <nlohmann/json.hpp>
#include <string>

#include "data/fetch.hpp"
#include "deepmoe.h"
#include "guard.hpp"
#include "json_argument.hpp"
#include "objects.hpp"
#include "strings.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

std::string text_member(const nlohmann::json& value, const std::string& name) {
  if (value.is_string()) return value.get<std::string>();
  fail(ErrorCode::invalid_argument, "member '", name, "' of settings_json is ", json_text(value),
       ", must be a text");
}

FetchSettings read_settings(const char* settings_json) {
  FetchSettings settings;
  if (settings_json == nullptr) return settings;
  const nlohmann::json object = json_object(settings_json, "settings_json");
  for (const auto& [name, value] : object.items()) {
    if (name == "url") {
      settings.url = text_member(value, name);
    } else if (name == "sha256") {
      settings.sha256 = text_member(value, name);
    } else {
      fail(ErrorCode::not_found, "settings_json has a member '", name,
           "', but the settings are url and sha256.", suggestion(name, {"url", "sha256"}));
    }
  }
  return settings;
}

const char* stage_name(FetchStage stage) {
  switch (stage) {
    case FetchStage::download:
      return "download";
    case FetchStage::check:
      return "check";
    case FetchStage::unpack:
      break;
  }
  return "unpack";
}

std::string event_json(const FetchProgress& progress) {
  nlohmann::json details = {
      {"stage", stage_name(progress.stage)}, {"done", progress.done}, {"total", nullptr}};
  if (progress.total >= 0) details["total"] = progress.total;
  return json_text(details);
}

}  // namespace

int32_t dmoe_fetch_dataset(const char* dataset, const char* data_dir, const char* settings_json,
                           dmoe_event_callback callback, void* user_data, dmoe_string** json,
                           dmoe_error** error) {
  return guard(error, [&] {
    require(dataset, "dataset");
    require(data_dir, "data_dir");
    int32_t answer = 0;
    const auto go_on = [&](const FetchProgress& progress) {
      if (callback != nullptr) answer = callback(DMOE_EVENT_FETCH, event_json(progress).c_str(), user_data);
      return answer == 0;
    };
    FetchResult result;
    try {
      result = fetch_dataset(dataset, data_dir, read_settings(settings_json), go_on);
    } catch (const Error& stopped) {
      if (answer != 0) throw Stopped(answer, stopped.what());
      throw;
    }
    if (json == nullptr) return;
    *json = new_string(nlohmann::json{{"dataset", dataset},
                                      {"data_dir", data_dir},
                                      {"fetched", result.fetched},
                                      {"train_size", result.training_images},
                                      {"test_size", result.test_images},
                                      {"downloaded_bytes", result.downloaded_bytes},
                                      {"resumed_bytes", result.resumed_bytes}});
  });
}
