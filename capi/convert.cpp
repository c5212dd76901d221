#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "deepmoe.h"
#include "guard.hpp"
#include "json_argument.hpp"
#include "model/pytorch_checkpoint.hpp"
#include "objects.hpp"
#include "plugin/plugin.hpp"
#include "strings.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

std::array<float, 3> three_numbers(const nlohmann::json& value, const std::string& name) {
  std::array<float, 3> numbers{};
  bool good = value.is_array() && value.size() == numbers.size();
  for (std::size_t i = 0; good && i < numbers.size(); ++i) {
    good = value[i].is_number();
    if (good) numbers[i] = value[i].get<float>();
    good = good && std::isfinite(numbers[i]) && (name == "mean" || numbers[i] > 0);
  }
  if (!good) {
    fail(ErrorCode::invalid_argument, "member '", name, "' of settings_json is ", json_text(value),
         ", must be three ", name == "mean" ? "" : "positive ", "numbers");
  }
  return numbers;
}

std::optional<Normalization> read_settings(const char* settings_json) {
  if (settings_json == nullptr) return std::nullopt;
  std::optional<Normalization> normalization;
  const nlohmann::json object = json_object(settings_json, "settings_json");
  for (const auto& [name, value] : object.items()) {
    if (!normalization) normalization.emplace();
    if (name == "mean") {
      normalization->mean = three_numbers(value, name);
    } else if (name == "deviation") {
      normalization->deviation = three_numbers(value, name);
    } else {
      fail(ErrorCode::not_found, "settings_json has a member '", name, "', but the settings are mean and ",
           "deviation.", suggestion(name, {"mean", "deviation"}));
    }
  }
  return normalization;
}

}  // namespace

int32_t dmoe_convert_pytorch(const char* path, const char* output, const dmoe_options* options,
                             const char* settings_json, dmoe_error** error) {
  return guard(error, [&] {
    require(path, "path");
    require(output, "output");
    const Options wishes = options != nullptr ? checked(options, "options").options : Options();
    load_plugins(wishes);
    convert_pytorch_checkpoint(path, output, wishes, read_settings(settings_json));
  });
}
