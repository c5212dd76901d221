#include "report_settings.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/base.hpp"
#include "json_argument.hpp"

namespace deepmoe::capi {
namespace {

using Json = nlohmann::json;

double number_of(const Json& value, const std::string& name) {
  if (!value.is_number()) {
    fail(ErrorCode::invalid_argument, "settings_json: ", name, " must be a number, not ", value.dump());
  }
  return value.get<double>();
}

std::int64_t count_of(const Json& value, const std::string& name, std::int64_t least) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if (!value.is_number_integer() || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most) {
    fail(ErrorCode::invalid_argument, "settings_json: ", name, " must be a whole number from ", least, " to ",
         most, ", not ", value.dump());
  }
  return value.get<std::int64_t>();
}

std::string text_of(const Json& value, const std::string& name) {
  if (!value.is_string()) {
    fail(ErrorCode::invalid_argument, "settings_json: ", name, " must be a text, not ", value.dump());
  }
  return value.get<std::string>();
}

}  // namespace

ReportSettings report_settings(const char* settings_json, bool own_engine) {
  ReportSettings settings;
  if (settings_json == nullptr) return settings;
  const Json object = json_object(settings_json, "settings_json");
  for (const auto& [name, value] : object.items()) {
    if (name == "threshold") {
      settings.collection.threshold = number_of(value, name);
    } else if (name == "top") {
      settings.collection.top = count_of(value, name, 1);
    } else if (name == "embeddings") {
      settings.collection.embeddings = count_of(value, name, 1);
    } else if (name == "batch_size") {
      settings.loader.batch_size = count_of(value, name, 1);
    } else if (name == "num_workers") {
      settings.loader.num_workers = count_of(value, name, 0);
    } else if (name == "weights") {
      settings.weights = text_of(value, name);
    } else if (name == "compact_command") {
      settings.compact_command = text_of(value, name);
    } else if (name == "split" && own_engine) {
      settings.split = text_of(value, name);
    } else if (name == "threads" && own_engine) {
      settings.threads = static_cast<int>(count_of(value, name, 0));
    } else if (name == "thresholds") {
      if (!value.is_array()) {
        fail(ErrorCode::invalid_argument, "settings_json: thresholds must be an array, not ", value.dump());
      }
      for (const Json& one : value) settings.thresholds.push_back(number_of(one, name));
    } else {
      std::vector<std::string> known{"threshold",  "thresholds",  "top",     "embeddings",
                                     "batch_size", "num_workers", "weights", "compact_command"};
      if (own_engine) known.insert(known.end(), {"threads", "split"});
      fail(ErrorCode::not_found, "settings_json: there is no setting '", name, "'.", suggestion(name, known));
    }
  }
  return settings;
}

}  // namespace deepmoe::capi
