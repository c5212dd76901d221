#include "architecture/graph_builder.hpp"
#include "base/base.hpp"

namespace deepmoe {

void GraphBuilder::append_embedding() {
  const std::int64_t layers = settings_.embedding_layers;
  const std::int64_t step = settings_.embedding_dim / layers;

  std::int32_t last = 0;  // it reads the image itself, not the trunk
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const bool is_last = layer + 1 == layers;
    const std::string convolution = concat("embedding.net.", 2 * layer);
    last = append(convolution,
                  Convolution{.channels = is_last ? settings_.embedding_dim : (layer + 1) * step,
                              .kernel = 3,
                              .stride = 2,
                              .padding = 1,
                              .bias = true},
                  last, convolution);
    last = append(concat("embedding.net.", 2 * layer + 1), Gelu{}, last);
  }
  last = append("embedding.pool", AveragePool{}, last);
  last = append("embedding.flatten", Flatten{}, last);
  if (settings_.embedding_norm) {
    last = append("embedding_norm", BatchNorm{.affine = false}, last, "embedding_norm");
  }
  architecture_.embedding = last;
}

}  // namespace deepmoe
