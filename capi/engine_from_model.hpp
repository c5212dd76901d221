#pragma once

#include "engine/engine.hpp"
#include "engine_object.hpp"
#include "model/model.hpp"

namespace deepmoe::capi {

/// What an engine handle is made of.
struct CompiledModel {
  Engine engine;
  EngineData data;
};

/// A model as it is now, which must not be in use meanwhile; the result is independent of it.
CompiledModel compiled(const Model& model, const EngineSettings& settings);

}  // namespace deepmoe::capi
