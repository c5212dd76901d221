#include "export/export.hpp"

#include "export/onnx_builder.hpp"
#include "export/onnx_file.hpp"

namespace deepmoe {

void write_onnx(const std::string& path, const Architecture& architecture,
                const std::vector<TensorView>& weights, const OnnxSettings& settings) {
  write_onnx_file(path, build_onnx_graph(architecture, weights, settings));
}

}  // namespace deepmoe
