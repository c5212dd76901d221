#include <set>

#include "architecture/limits.hpp"
#include "architecture/names.hpp"
#include "architecture/parameters.hpp"
#include "architecture/shape_inference.hpp"
#include "base/base.hpp"

namespace deepmoe {
namespace {

const Node& at(const Architecture& architecture, std::int32_t index) {
  return architecture.nodes[static_cast<std::size_t>(index)];
}

template <class... Parts>
[[noreturn]] void refuse(const Architecture& architecture, std::int32_t index, const Parts&... parts) {
  fail(ErrorCode::format, "network '", architecture.model, "', node '", at(architecture, index).name, "' (",
       operation_name(at(architecture, index).operation), "): ", parts...);
}

void check_header(const Architecture& architecture) {
  if (!is_plain_name(architecture.model)) {
    fail(ErrorCode::format, "the network's model name '", shown(architecture.model), "' ", plain_name_rule());
  }
  const auto check_range = [&](std::string_view name, std::int64_t value, std::int64_t high) {
    if (value < 1 || value > high) {
      fail(ErrorCode::format, "network '", architecture.model, "': ", name, " is ", value,
           "; it must be from 1 to ", high);
    }
  };
  check_range("image_channels", architecture.image_channels, largest_channels);
  check_range("image_size", architecture.image_size, largest_plane);
  check_range("the number of nodes", static_cast<std::int64_t>(architecture.nodes.size()),
              largest_node_count);
}

void check_names(const Architecture& architecture) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < architecture.nodes.size(); ++i) {
    const Node& node = architecture.nodes[i];
    if (!is_plain_name(node.name) || (!node.parameters.empty() && !is_plain_name(node.parameters))) {
      fail(ErrorCode::format, "network '", architecture.model, "', node number ", i, " ('", shown(node.name),
           "'): its name and its parameter prefix ", plain_name_rule());
    }
    if (!names.insert(node.name).second) {
      refuse(architecture, static_cast<std::int32_t>(i), "another node has the same name");
    }
  }
}

std::vector<Shape> check_shapes(const Architecture& architecture) {
  ShapeInference inference = try_infer_shapes(architecture, architecture.image_size);
  if (!inference.problem.empty()) refuse(architecture, inference.node, inference.problem);
  return std::move(inference.shapes);
}

void check_parameters(const Architecture& architecture, const std::vector<Shape>& shapes) {
  std::set<std::string> names;
  for (std::int32_t index = 0; index < static_cast<std::int32_t>(architecture.nodes.size()); ++index) {
    const std::string& prefix = at(architecture, index).parameters;
    const std::vector<ParameterSpecification> entries = node_parameters(architecture, shapes, index);
    if (entries.empty() != prefix.empty()) {
      refuse(architecture, index,
             prefix.empty() ? "it has parameters, so it needs a prefix for their names in `parameters`"
                            : "it has no parameters, so `parameters` must be empty");
    }
    for (const ParameterSpecification& entry : entries) {
      std::int64_t elements = 1;
      for (const std::int64_t size : entry.shape) {
        if (__builtin_mul_overflow(elements, size, &elements) || elements > largest_tensor) {
          refuse(architecture, index, "its parameter '", entry.name, "' is too large");
        }
      }
      if (!names.insert(entry.name).second) {
        refuse(architecture, index, "another node also has a parameter named '", entry.name, "'");
      }
    }
  }
}

void check_vector_output(const Architecture& architecture, const std::vector<Shape>& shapes,
                         std::string_view output, std::int32_t index) {
  if (index < 0 || static_cast<std::size_t>(index) >= shapes.size()) {
    fail(ErrorCode::format, "network '", architecture.model, "': output '", output, "' names no node");
  }
  if (shapes[static_cast<std::size_t>(index)].is_image()) {
    refuse(architecture, index, "output '", output, "' must be a vector, but this node's output is an image");
  }
}

void check_outputs(const Architecture& architecture, const std::vector<Shape>& shapes) {
  check_vector_output(architecture, shapes, "logits", architecture.logits);
  if (!architecture.gated()) {
    if (architecture.embedding_logits >= 0) {
      fail(ErrorCode::format, "network '", architecture.model,
           "': output 'embedding_logits' needs output 'embedding'");
    }
  } else {
    check_vector_output(architecture, shapes, "embedding", architecture.embedding);
    check_vector_output(architecture, shapes, "embedding_logits", architecture.embedding_logits);
    const std::int64_t classes = shapes[static_cast<std::size_t>(architecture.logits)].channels;
    const std::int64_t embedding_classes =
        shapes[static_cast<std::size_t>(architecture.embedding_logits)].channels;
    if (classes != embedding_classes) {
      refuse(architecture, architecture.embedding_logits, "output 'embedding_logits' has ", embedding_classes,
             " classes, but output 'logits' has ", classes);
    }
  }
  for (const std::int32_t gate : architecture.gates()) {
    if (at(architecture, gate).inputs[1] != architecture.embedding) {
      refuse(architecture, gate, "its second input must be the node that output 'embedding' names");
    }
  }
}

/// Every node must lead to an output: one that does not would have parameters that nothing trains.
void check_use(const Architecture& architecture) {
  std::vector<bool> used(architecture.nodes.size(), false);
  for (const std::int32_t output :
       {architecture.logits, architecture.embedding, architecture.embedding_logits}) {
    if (output >= 0) used[static_cast<std::size_t>(output)] = true;
  }
  for (std::size_t i = architecture.nodes.size(); i-- > 0;) {
    if (!used[i]) refuse(architecture, static_cast<std::int32_t>(i), "no output depends on it; remove it");
    for (const std::int32_t input : architecture.nodes[i].inputs)
      used[static_cast<std::size_t>(input)] = true;
  }
}

}  // namespace

void validate(const Architecture& architecture) {
  check_header(architecture);
  check_names(architecture);
  const std::vector<Shape> shapes = check_shapes(architecture);
  check_parameters(architecture, shapes);
  check_outputs(architecture, shapes);
  check_use(architecture);
}

}  // namespace deepmoe
