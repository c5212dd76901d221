#pragma once

#include <string>
#include <vector>

#include "architecture/architecture.hpp"

namespace deepmoe {

/// The outcome of walking the nodes: shapes up to the first node that does not fit, and why it does not.
struct ShapeInference {
  std::vector<Shape> shapes;
  std::string problem;     ///< empty: every node has its shape
  std::int32_t node = -1;  ///< the node that does not fit
  bool too_small = false;  ///< a larger image would fit
};

/// Never throws: safe on an architecture that nobody validated.
ShapeInference try_infer_shapes(const Architecture& architecture, std::int64_t image_size);

}  // namespace deepmoe
