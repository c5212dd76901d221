#include "engine_file.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/base.hpp"

namespace deepmoe::capi {
namespace {

using nlohmann::json;

/// An entry of the metadata as JSON; null where there is none.
json entry(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) return {};
  json value = json::parse(found->second, nullptr, false);
  if (value.is_discarded()) fail(ErrorCode::format, file.path(), ": the metadata '", key, "' are not JSON");
  return value;
}

std::array<float, 3> three_numbers(const json& value, const SafetensorsFile& file) {
  std::array<float, 3> numbers{};
  bool right = value.is_array() && value.size() == numbers.size();
  for (std::size_t i = 0; right && i < numbers.size(); ++i) {
    right = value[i].is_number();
    if (right) numbers[i] = value[i].get<float>();
    right = right && std::isfinite(numbers[i]);
  }
  if (!right)
    fail(ErrorCode::format, file.path(), ": the normalisation in the metadata is not three numbers");
  return numbers;
}

}  // namespace

Architecture network_of(const SafetensorsFile& file) {
  const json description = entry(file, "architecture");
  if (description.is_null()) {
    fail(ErrorCode::invalid_argument, file.path(),
         " holds weights without a description of their network; dmoe_model_load with the option model reads "
         "it, and dmoe_model_save then writes one with a description");
  }
  try {
    return architecture_from_json(description);
  } catch (const Error& error) {
    fail(error.code(), file.path(), ": ", error.what());
  }
}

EngineData data_of(const SafetensorsFile& file) {
  EngineData data;
  const json normalization = entry(file, "normalization");
  if (normalization.is_object() && normalization.contains("mean") && normalization.contains("deviation")) {
    data.mean = three_numbers(normalization["mean"], file);
    data.deviation = three_numbers(normalization["deviation"], file);
  }
  const json names = entry(file, "class_names");
  if (names.is_array()) {
    for (const json& name : names) {
      if (!name.is_string()) {
        fail(ErrorCode::format, file.path(), ": the class names in the metadata are not texts");
      }
      data.class_names.push_back(name.get<std::string>());
    }
  }
  return data;
}

}  // namespace deepmoe::capi
