#pragma once

#include <string>

#include "export/onnx_graph.hpp"

namespace deepmoe {

/// Writes the graph as an ONNX file, atomically. Constants go from where they are to the file. Errors:
/// unsupported above 2 GiB, and those of write_file_atomically.
void write_onnx_file(const std::string& path, const OnnxGraph& graph);

}  // namespace deepmoe
