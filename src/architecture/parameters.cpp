#include "architecture/parameters.hpp"

#include <iterator>
#include <utility>

namespace deepmoe {
namespace {

/// Collects the entries of one node. One call operator for each operation.
class Collector {
 public:
  Collector(const Node& node, std::int32_t index, const std::vector<Shape>& shapes)
      : node_(node), index_(index), shapes_(shapes) {}

  void operator()(const Convolution& convolution) {
    add("weight", {convolution.channels, channels(0), convolution.kernel, convolution.kernel});
    if (convolution.bias) add("bias", {convolution.channels});
  }
  void operator()(const Linear& linear) {
    add("weight", {linear.channels, channels(0)});
    if (linear.bias) add("bias", {linear.channels});
  }
  void operator()(const Gate& gate) {
    add("fc.weight", {channels(0), channels(1)});
    if (gate.bias) add("fc.bias", {channels(0)});
  }
  void operator()(const BatchNorm& norm) {
    if (norm.affine) {
      add("weight", {channels(0)});
      add("bias", {channels(0)});
    }
    add("running_mean", {channels(0)}, false);
    add("running_var", {channels(0)}, false);
    add("num_batches_tracked", {}, false);
    entries.back().is_integer = true;
  }
  template <class Op>
  void operator()(const Op&) {}

  std::vector<ParameterSpecification> entries;

 private:
  std::int64_t channels(std::size_t input) const {
    return shapes_[static_cast<std::size_t>(node_.inputs[input])].channels;
  }
  void add(const char* name, std::vector<std::int64_t> shape, bool trainable = true) {
    entries.push_back({node_.parameters + "." + name, std::move(shape), index_, trainable, false});
  }

  const Node& node_;
  std::int32_t index_;
  const std::vector<Shape>& shapes_;
};

}  // namespace

std::vector<ParameterSpecification> node_parameters(const Architecture& architecture,
                                                    const std::vector<Shape>& shapes, std::int32_t index) {
  const Node& node = architecture.nodes[static_cast<std::size_t>(index)];
  Collector collector(node, index, shapes);
  std::visit(collector, node.operation);
  return std::move(collector.entries);
}

std::vector<ParameterSpecification> parameter_specifications(const Architecture& architecture) {
  const std::vector<Shape> shapes = infer_shapes(architecture);
  std::vector<ParameterSpecification> all;
  for (std::int32_t index = 0; index < static_cast<std::int32_t>(architecture.nodes.size()); ++index) {
    std::vector<ParameterSpecification> entries = node_parameters(architecture, shapes, index);
    all.insert(all.end(), std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
  }
  return all;
}

}  // namespace deepmoe
