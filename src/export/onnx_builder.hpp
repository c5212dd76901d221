#pragma once

#include "export/export.hpp"
#include "export/onnx_graph.hpp"

namespace deepmoe {

/// The graph that write_onnx writes. It refers to the memory of `weights`. Errors: invalid_argument.
OnnxGraph build_onnx_graph(const Architecture& architecture, const std::vector<TensorView>& weights,
                           const OnnxSettings& settings);

}  // namespace deepmoe
