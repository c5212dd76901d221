#include <algorithm>

#include "architecture/limits.hpp"
#include "architecture/node_checks.hpp"
#include "architecture/shape_inference.hpp"
#include "base/base.hpp"

namespace deepmoe {
namespace {

std::string describe(const Shape& shape) {
  if (!shape.is_image()) return concat("a vector of ", shape.channels);
  return concat("an image of ", shape.channels, " x ", shape.height, " x ", shape.width);
}

/// The output shape of one node, or why there is none. One call operator for each operation.
class OutputShape {
 public:
  OutputShape(const Architecture& architecture, std::int64_t image_size, const Node& node,
              ShapeInference& inference)
      : architecture_(architecture), image_size_(image_size), node_(node), inference_(inference) {}

  Shape operator()(const Input&) { return {architecture_.image_channels, image_size_, image_size_}; }

  Shape operator()(const Convolution& convolution) {
    return windowed(convolution.channels, convolution.kernel, convolution.stride, convolution.padding);
  }
  Shape operator()(const MaxPool& pool) {
    return windowed(input().channels, pool.kernel, pool.stride, pool.padding);
  }
  Shape operator()(const AveragePool& pool) {
    if (!needs_image()) return {};
    return {input().channels, pool.output_size, pool.output_size};
  }
  Shape operator()(const Flatten&) {
    if (!needs_image()) return {};
    const auto elements = checked_product({input().channels, input().height, input().width});
    if (!elements || *elements > largest_vector)
      return refuse(concat("it flattens ", describe(input()), ", too much"));
    return {*elements, 0, 0};
  }
  Shape operator()(const Linear& linear) {
    if (input().is_image())
      return refuse(concat("it needs a vector, but reads ", describe(input()), "; flatten it"));
    return {linear.channels, 0, 0};
  }
  Shape operator()(const Gate&) {
    const Shape& embedding = input(1);
    if (embedding.is_image())
      return refuse(concat("its second input must be a vector, not ", describe(embedding)));
    return input();
  }
  Shape operator()(const Add&) {
    if (input(0) != input(1)) {
      return refuse(
          concat("it adds ", describe(input(0)), " and ", describe(input(1)), ", which must be equal"));
    }
    return input();
  }
  /// Batch norm, activations and dropout keep the shape.
  template <class Op>
  Shape operator()(const Op&) {
    return input();
  }

 private:
  const Shape& input(std::size_t number = 0) const {
    return inference_.shapes[static_cast<std::size_t>(node_.inputs[number])];
  }

  Shape refuse(std::string problem) {
    inference_.problem = std::move(problem);
    return {};
  }

  bool needs_image() {
    if (!input().is_image()) refuse(concat("it needs an image, but reads ", describe(input())));
    return input().is_image();
  }

  Shape windowed(std::int64_t channels, std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
    if (!needs_image()) return {};
    const auto size = [&](std::int64_t in) {
      return in + 2 * padding < kernel ? 0 : (in + 2 * padding - kernel) / stride + 1;
    };
    const Shape shape{channels, size(input().height), size(input().width)};
    if (shape.height < 1 || shape.width < 1) {
      inference_.too_small = true;
      return refuse(concat("its ", kernel, "x", kernel, " window does not fit into ", describe(input())));
    }
    if (std::max(shape.height, shape.width) > largest_plane) return refuse("its output is too large");
    return shape;
  }

  const Architecture& architecture_;
  std::int64_t image_size_;
  const Node& node_;
  ShapeInference& inference_;
};

bool too_small(const Architecture& architecture, std::int64_t image_size) {
  return try_infer_shapes(architecture, image_size).too_small;
}

/// A network that flattens a whole image has weights for its own image size only.
void check_weights_fit(const Architecture& architecture, const std::vector<Shape>& shapes,
                       std::int64_t image_size) {
  const ShapeInference own = try_infer_shapes(architecture, architecture.image_size);
  for (std::size_t i = 0; i < shapes.size() && own.problem.empty(); ++i) {
    const Node& node = architecture.nodes[i];
    if (node.parameters.empty()) continue;
    const auto input = static_cast<std::size_t>(node.inputs[0]);
    if (shapes[input].channels != own.shapes[input].channels) {
      fail(ErrorCode::invalid_argument, "network '", architecture.model, "' takes images of ",
           architecture.image_size, " pixels only, not of ", image_size, ": node '", node.name,
           "' has weights for ", own.shapes[input].channels, " inputs, not for ", shapes[input].channels);
    }
  }
}

}  // namespace

ShapeInference try_infer_shapes(const Architecture& architecture, std::int64_t image_size) {
  ShapeInference inference;
  inference.shapes.reserve(architecture.nodes.size());
  for (const Node& node : architecture.nodes) {
    const auto index = static_cast<std::int32_t>(inference.shapes.size());
    Shape shape;
    inference.problem = node_problem(architecture, index);
    if (inference.problem.empty()) {
      shape = std::visit(OutputShape(architecture, image_size, node, inference), node.operation);
    }
    if (!inference.problem.empty()) {
      inference.node = index;
      break;
    }
    inference.shapes.push_back(shape);
  }
  return inference;
}

std::int64_t minimum_image_size(const Architecture& architecture) {
  std::int64_t low = 1, high = 1;  // once found, high fits
  while (too_small(architecture, high)) {
    low = high + 1;
    high *= 2;
    if (high > largest_plane)
      fail(ErrorCode::format, "network '", architecture.model, "' fits no image size");
  }
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (too_small(architecture, middle)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return high;
}

std::vector<Shape> infer_shapes(const Architecture& architecture, std::int64_t image_size) {
  const std::int64_t size = image_size == 0 ? architecture.image_size : image_size;
  if (size < 1 || size > largest_plane) {
    fail(ErrorCode::invalid_argument, "image_size is ", size, "; it must be from 1 to ", largest_plane);
  }
  ShapeInference inference = try_infer_shapes(architecture, size);
  if (inference.too_small) {
    fail(ErrorCode::invalid_argument, "images of ", size, " pixels are too small for network '",
         architecture.model, "': its minimum image_size is ", minimum_image_size(architecture));
  }
  if (!inference.problem.empty()) {
    fail(size == architecture.image_size ? ErrorCode::format : ErrorCode::invalid_argument, "node '",
         architecture.nodes[static_cast<std::size_t>(inference.node)].name, "', images of ", size,
         " pixels: ", inference.problem);
  }
  if (size != architecture.image_size) check_weights_fit(architecture, inference.shapes, size);
  return std::move(inference.shapes);
}

}  // namespace deepmoe
