#include "engine_from_model.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "deepmoe.h"
#include "engine_settings.hpp"
#include "guard.hpp"
#include "model/host_state.hpp"
#include "training_objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

CompiledModel deepmoe::capi::compiled(const Model& model, const EngineSettings& settings) {
  const std::vector<SharedTensor> state = host_state(model);
  std::map<std::string, const SharedTensor*> by_name;
  for (const SharedTensor& tensor : state) by_name.emplace(tensor.name, &tensor);
  // The engine copies what it reads, so the model's memory is its own again when this returns.
  const ReadParameter read = [&](const std::string& name) {
    const SharedTensor& tensor = *by_name.at(name);
    const auto* const numbers = static_cast<const float*>(tensor.data);
    return std::vector<float>(numbers, numbers + tensor.elements());
  };
  const Normalization& normalization = model.normalization();
  return {Engine(model.architecture(), read, settings),
          {normalization.mean, normalization.deviation, model.class_names()}};
}

int32_t dmoe_engine_create_from_model(const dmoe_model* model, const char* settings_json,
                                      dmoe_engine** engine, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& source = checked(model, "model");
    require(engine, "engine");
    const EngineSettings settings = engine_settings(settings_json);
    const ExclusiveUse use(source.use);
    CompiledModel made = compiled(*source.model, settings);
    *engine = new dmoe_engine(std::move(made.engine), std::move(made.data));
  });
}
