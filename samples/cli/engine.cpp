#include "engine.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

namespace deepmoe::command {
namespace {

/// A matrix with a row for each image.
NamedTensor matrix(const std::string& name, std::int64_t rows, std::int64_t columns) {
  return {name, {rows, columns}, std::vector<float>(static_cast<std::size_t>(rows * columns))};
}

float* row(NamedTensor& tensor, std::int64_t number) {
  return tensor.values.data() + number * tensor.shape[1];
}

}  // namespace

EngineHandle compile(const ModelHandle& model, const nlohmann::json& settings) {
  EngineHandle engine;
  const std::string json = settings.dump();
  call(dmoe_engine_create_from_model, static_cast<const dmoe_model*>(model.get()), json.c_str(),
       engine.out());
  return engine;
}

nlohmann::ordered_json describe(const EngineHandle& engine) {
  return json_from(dmoe_engine_describe, static_cast<const dmoe_engine*>(engine.get()));
}

std::vector<NamedTensor> forward(const EngineHandle& engine, const NamedTensor& images,
                                 std::int64_t batch_size) {
  const nlohmann::ordered_json description = describe(engine);
  const std::int64_t count = images.shape.at(0), height = images.shape.at(2), width = images.shape.at(3);
  const std::int64_t classes = description.at("num_classes"), experts = description.at("experts");
  const bool gated = experts > 0;
  NamedTensor logits = matrix("logits", count, classes);
  NamedTensor embedding = matrix("embedding", count, description.at("embedding_dim"));
  NamedTensor embedding_logits = matrix("embedding_logits", count, gated ? classes : 0);
  NamedTensor gates = matrix("gates", count, experts);
  const std::int64_t image_elements = images.shape.at(1) * height * width;
  for (std::int64_t first = 0; first < count; first += batch_size) {
    const std::int64_t batch = std::min(batch_size, count - first);
    call(dmoe_engine_run_outputs, static_cast<const dmoe_engine*>(engine.get()),
         images.values.data() + first * image_elements, batch, height, width,
         static_cast<const float*>(nullptr), row(logits, first), batch * classes, row(embedding, first),
         batch * embedding.shape[1], row(embedding_logits, first), batch * embedding_logits.shape[1],
         row(gates, first), batch * experts, static_cast<std::int64_t*>(nullptr),
         static_cast<std::int64_t*>(nullptr));
  }
  std::vector<NamedTensor> outputs;
  outputs.push_back(std::move(logits));
  if (!gated) return outputs;
  outputs.push_back(std::move(embedding));
  outputs.push_back(std::move(embedding_logits));
  std::int64_t start = 0;
  for (const nlohmann::ordered_json& gate : description.at("gates")) {
    NamedTensor layer = matrix("gate." + gate.at("name").get<std::string>(), count, gate.at("experts"));
    for (std::int64_t image = 0; image < count; ++image) {
      std::copy_n(row(gates, image) + start, layer.shape[1], row(layer, image));
    }
    start += layer.shape[1];
    outputs.push_back(std::move(layer));
  }
  return outputs;
}

}  // namespace deepmoe::command
