#include "weights.hpp"

#include <cstdlib>

namespace deepmoe::command {

std::string take_weights(OptionFlags& flags) {
  std::string weights = flags.take("weights");
  if (weights.empty()) {
    const char* const variable = std::getenv("DEEPMOE_WEIGHTS");
    if (variable != nullptr) weights = variable;
  }
  if (weights.empty()) throw UsageError("--weights is missing; it names the safetensors file to load");
  return weights;
}

OptionsHandle load_options(const OptionFlags& flags) {
  OptionsHandle options = flags.configured();
  if (!option_value(options, "weights").empty()) set_option(options, "weights", "");
  return options;
}

void complete_from_weights(const OptionsHandle& options, const OptionFlags& flags) {
  const std::string weights = option_value(options, "weights");
  if (weights.empty()) return;
  TensorsHandle tensors;
  call(dmoe_tensors_load, weights.c_str(), tensors.out());
  const nlohmann::ordered_json metadata =
      json_from(dmoe_tensors_metadata, static_cast<const dmoe_tensors*>(tensors.get()));
  if (!metadata.contains("options")) return;
  const auto stored =
      nlohmann::ordered_json::parse(metadata.at("options").get<std::string>(), nullptr, false);
  if (!stored.is_object()) return;
  const nlohmann::ordered_json current =
      json_from(dmoe_options_to_json, static_cast<const dmoe_options*>(options.get()));
  nlohmann::ordered_json missing = nlohmann::ordered_json::object();
  for (const nlohmann::ordered_json& row : option_rows()) {
    const std::string name = row.at("name");
    const bool shapes_network = row.at("group") == "model" || name == "num_classes" || name == "image_size";
    const bool left_open = !flags.given(name) && current.at(name) == row.at("default");
    if (shapes_network && left_open && stored.contains(name)) missing[name] = stored.at(name);
  }
  const std::string json = missing.dump();
  call(dmoe_options_set_json, options.get(), json.c_str());
}

bool describes_its_network(const std::string& weights) {
  TensorsHandle tensors;
  call(dmoe_tensors_load, weights.c_str(), tensors.out());
  return json_from(dmoe_tensors_metadata, static_cast<const dmoe_tensors*>(tensors.get()))
      .contains("architecture");
}

OptionsHandle options_of(const ModelHandle& model) {
  const nlohmann::ordered_json description =
      json_from(dmoe_model_describe, static_cast<const dmoe_model*>(model.get()));
  OptionsHandle options;
  call(dmoe_options_create, options.out());
  const std::string json = description.at("options").dump();
  call(dmoe_options_set_json, options.get(), json.c_str());
  return options;
}

}  // namespace deepmoe::command
