#include "export/export.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "deepmoe.h"
#include "guard.hpp"
#include "json_argument.hpp"
#include "model/host_state.hpp"
#include "strings.hpp"
#include "training_objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

OnnxSettings read_settings(const char* settings_json) {
  OnnxSettings settings;
  if (settings_json == nullptr) return settings;
  const nlohmann::json object = json_object(settings_json, "settings_json");
  for (const auto& [name, value] : object.items()) {
    if (name == "gates" && value.is_boolean()) {
      settings.gates = value.get<bool>();
    } else if (name == "image_size" && value.is_number_integer() && value >= 0 && value <= 1'000'000) {
      settings.image_size = value.get<std::int64_t>();
    } else if (name == "gates" || name == "image_size") {
      fail(ErrorCode::invalid_argument, "member '", name, "' of settings_json is ", json_text(value),
           name == "gates" ? ", must be true or false" : ", must be a whole number from 0 to 1000000");
    } else {
      fail(ErrorCode::not_found, "settings_json has a member '", name, "', but the settings are gates and ",
           "image_size.", suggestion(name, {"gates", "image_size"}));
    }
  }
  return settings;
}

/// What a user of the exported network must know of the model.
std::map<std::string, std::string> describe(const Model& model) {
  nlohmann::json options = nlohmann::json::object();
  const nlohmann::json resolved = model.options().resolved();
  for (const OptionDeclaration& declaration : option_declarations()) {
    const std::string name(declaration.name);
    const bool shapes_network = declaration.group == "model" && name != "weights";
    if (shapes_network || name == "num_classes" || name == "image_size") options[name] = resolved.at(name);
  }
  const Normalization& normalization = model.normalization();
  return {
      {"format", "deepmoe"},
      {"model", model.architecture().model},
      {"input",
       "float32 (batch, 3, height, width), RGB, normalised: (pixel / 255 - mean) / deviation for each "
       "channel, with mean and deviation from the entry 'normalization'"},
      {"normalization", json_text({{"mean", normalization.mean}, {"deviation", normalization.deviation}})},
      {"class_names", json_text(model.class_names())},
      {"options", json_text(options)}};
}

}  // namespace

int32_t dmoe_model_export_onnx(const dmoe_model* model, const char* path, const char* settings_json,
                               dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& source = checked(model, "model");
    require(path, "path");
    OnnxSettings settings = read_settings(settings_json);
    const ExclusiveUse use(source.use);
    settings.metadata = describe(*source.model);
    const std::vector<SharedTensor> state = host_state(*source.model);
    std::vector<TensorView> weights;
    for (const SharedTensor& tensor : state) {
      const std::size_t bytes = static_cast<std::size_t>(tensor.elements()) * size_of(tensor.type);
      weights.push_back({tensor.name, tensor.type, tensor.shape,
                         std::span(static_cast<const std::byte*>(tensor.data), bytes)});
    }
    write_onnx(path, source.model->architecture(), weights, settings);
  });
}
