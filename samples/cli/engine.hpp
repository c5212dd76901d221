#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "forward.hpp"
#include "handle.hpp"

namespace deepmoe::command {

/// A model as it is now, compiled for inference; `settings` as in dmoe_engine_create.
EngineHandle compile(const ModelHandle& model, const nlohmann::json& settings);

/// What dmoe_engine_describe says.
nlohmann::ordered_json describe(const EngineHandle& engine);

/// The outputs for normalised images (N, 3, H, W), by the names and in the order of the other forward(),
/// computed `batch_size` images at a time.
std::vector<NamedTensor> forward(const EngineHandle& engine, const NamedTensor& images,
                                 std::int64_t batch_size);

}  // namespace deepmoe::command
