#pragma once

/// The object behind dmoe_engine.

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.hpp"
#include "handles.hpp"

namespace deepmoe::capi {

/// What a user of an engine must know besides its network.
struct EngineData {
  std::array<float, 3> mean{}, deviation{1, 1, 1};
  std::vector<std::string> class_names;
};

}  // namespace deepmoe::capi

struct dmoe_engine : deepmoe::capi::Header {
  static constexpr auto kind = deepmoe::capi::Kind::engine;
  dmoe_engine(deepmoe::Engine compiled, deepmoe::capi::EngineData about)
      : Header(kind), engine(std::move(compiled)), data(std::move(about)) {
    const deepmoe::Architecture& architecture = engine.architecture();
    const std::vector<deepmoe::Shape> shapes = deepmoe::infer_shapes(architecture);
    if (architecture.gated()) {
      embedding_dim = shapes[static_cast<std::size_t>(architecture.embedding)].channels;
    }
  }
  const deepmoe::Engine engine;
  const deepmoe::capi::EngineData data;
  std::int64_t embedding_dim = 0;  ///< 0 in a dense network
};
