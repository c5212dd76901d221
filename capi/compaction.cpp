#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "deepmoe.h"
#include "events.hpp"
#include "guard.hpp"
#include "json_argument.hpp"
#include "objects.hpp"
#include "strings.hpp"
#include "training_objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

using nlohmann::json;

std::int64_t class_number(const json& value, const Dataset& dataset) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) {
    fail(ErrorCode::invalid_argument, "settings_json: classes must be numbers or names, not ", value.dump());
  }
  const auto& name = value.get_ref<const std::string&>();
  const std::vector<std::string>& names = dataset.class_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    fail(ErrorCode::invalid_argument, "there is no class '", name, "' in ", dataset.description(), ".",
         suggestion(name, names));
  }
  return found - names.begin();
}

CompactionSettings read_settings(const char* text, const Dataset& dataset) {
  CompactionSettings settings;
  if (text == nullptr) return settings;
  const json object = json_object(text, "settings_json");
  for (const auto& [name, value] : object.items()) {
    if (name == "min_utilisation") {
      if (!value.is_number()) {
        fail(ErrorCode::invalid_argument, "settings_json: min_utilisation must be a number, not ",
             value.dump());
      }
      settings.min_utilisation = value.get<double>();
    } else if (name == "classes") {
      if (!value.is_array()) {
        fail(ErrorCode::invalid_argument, "settings_json: classes must be an array, not ", value.dump());
      }
      for (const json& one : value) {
        const std::int64_t number = class_number(one, dataset);
        std::vector<std::int64_t>& classes = settings.classes;
        if (std::find(classes.begin(), classes.end(), number) == classes.end()) classes.push_back(number);
      }
    } else {
      fail(ErrorCode::invalid_argument, "settings_json: there is no setting '", name, "'.",
           suggestion(name, {"min_utilisation", "classes"}));
    }
  }
  return settings;
}

}  // namespace

int32_t dmoe_model_compact(dmoe_model* model, const dmoe_dataset* calibration, const char* settings_json,
                           const dmoe_options* options, dmoe_event_callback callback, void* user_data,
                           dmoe_model** compacted, dmoe_string** report, dmoe_error** error) {
  return guard(error, [&] {
    // Copies, since the callback may release every handle while the call goes on.
    const std::shared_ptr<Model> network = checked(model, "model").model;
    const std::shared_ptr<const Dataset> data = checked(calibration, "calibration").dataset;
    const Options wishes = options != nullptr ? checked(options, "options").options : network->options();
    require(compacted, "compacted");
    const CompactionSettings settings = read_settings(settings_json, *data);
    const ExclusiveUse use(model->use);
    json figures;
    std::shared_ptr<Model> smaller = stoppable([&] {
      return compact_model(*network, data, settings, wishes, event_receiver(callback, user_data), figures);
    });
    auto result = std::make_unique<dmoe_model>(std::move(smaller));
    if (report != nullptr) *report = new_string(figures);
    *compacted = result.release();
  });
}
