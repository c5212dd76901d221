#include "export/onnx_file.hpp"

#include <bit>
#include <cstdint>
#include <iterator>
#include <protozero/pbf_builder.hpp>
#include <protozero/varint.hpp>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/base.hpp"
#include "export/onnx_fields.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

using protozero::pbf_builder;

static_assert(std::endian::native == std::endian::little, "ONNX keeps numbers little-endian");

/// What protocol buffers, and so every reader of ONNX, allow in one message.
constexpr std::uint64_t largest_message = (std::uint64_t(1) << 31) - 1;

void add_attribute(pbf_builder<onnx::Node>& node, const std::string& name, const OnnxAttribute& value) {
  pbf_builder<onnx::Attribute> message(node, onnx::Node::attribute);
  message.add_string(onnx::Attribute::name, name);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    message.add_int64(onnx::Attribute::i, *integer);
    message.add_enum(onnx::Attribute::type, onnx::attribute_int);
  } else if (const auto* number = std::get_if<double>(&value)) {
    message.add_float(onnx::Attribute::f, static_cast<float>(*number));
    message.add_enum(onnx::Attribute::type, onnx::attribute_float);
  } else {
    for (const std::int64_t element : std::get<std::vector<std::int64_t>>(value)) {
      message.add_int64(onnx::Attribute::ints, element);
    }
    message.add_enum(onnx::Attribute::type, onnx::attribute_ints);
  }
}

void add_node(pbf_builder<onnx::Graph>& graph, const OnnxNode& node) {
  pbf_builder<onnx::Node> message(graph, onnx::Graph::node);
  for (const std::string& input : node.inputs) message.add_string(onnx::Node::input, input);
  for (const std::string& output : node.outputs) message.add_string(onnx::Node::output, output);
  message.add_string(onnx::Node::name, node.name);
  message.add_string(onnx::Node::op_type, node.operation);
  for (const auto& [name, value] : node.attributes) add_attribute(message, name, value);
}

void add_value(pbf_builder<onnx::Graph>& graph, onnx::Graph field, const OnnxValue& value) {
  pbf_builder<onnx::ValueInfo> message(graph, field);
  message.add_string(onnx::ValueInfo::name, value.name);
  pbf_builder<onnx::Type> type(message, onnx::ValueInfo::type);
  pbf_builder<onnx::TensorType> tensor(type, onnx::Type::tensor_type);
  tensor.add_int32(onnx::TensorType::elem_type, static_cast<std::int32_t>(OnnxType::f32));
  pbf_builder<onnx::TensorShape> shape(tensor, onnx::TensorType::shape);
  for (const auto& extent : value.shape) {
    pbf_builder<onnx::Dimension> dimension(shape, onnx::TensorShape::dim);
    if (const auto* number = std::get_if<std::int64_t>(&extent)) {
      dimension.add_int64(onnx::Dimension::dim_value, *number);
    } else {
      dimension.add_string(onnx::Dimension::dim_param, std::get<std::string>(extent));
    }
  }
}

/// The start of a length-delimited field whose content follows.
template <class Field>
void append_field_start(std::string& bytes, Field field, std::uint64_t length) {
  const auto number = static_cast<std::uint32_t>(field);
  protozero::write_varint(std::back_inserter(bytes), (std::uint64_t(number) << 3) | 2);
  protozero::write_varint(std::back_inserter(bytes), length);
}

/// All of a constant's field in the graph but its bytes, which come last in it.
std::string constant_start(const OnnxConstant& constant) {
  std::string content;
  pbf_builder<onnx::Tensor> message(content);
  for (const std::int64_t extent : constant.shape) message.add_int64(onnx::Tensor::dims, extent);
  message.add_int32(onnx::Tensor::data_type, static_cast<std::int32_t>(constant.type));
  message.add_string(onnx::Tensor::name, constant.name);
  append_field_start(content, onnx::Tensor::raw_data, constant.data.size());
  std::string start;
  append_field_start(start, onnx::Graph::initializer, content.size() + constant.data.size());
  return start + content;
}

/// All of the graph but its constants.
std::string graph_start(const OnnxGraph& graph) {
  std::string content;
  pbf_builder<onnx::Graph> message(content);
  message.add_string(onnx::Graph::name, graph.name);
  for (const OnnxValue& input : graph.inputs) add_value(message, onnx::Graph::input, input);
  for (const OnnxValue& output : graph.outputs) add_value(message, onnx::Graph::output, output);
  for (const OnnxNode& node : graph.nodes) add_node(message, node);
  return content;
}

/// All of the model but its graph.
std::string model_start(const OnnxGraph& graph) {
  std::string content;
  pbf_builder<onnx::Model> message(content);
  message.add_int64(onnx::Model::ir_version, onnx::written_ir_version);
  message.add_string(onnx::Model::producer_name, "deepmoe");
  message.add_string(onnx::Model::producer_version, DEEPMOE_VERSION);
  {
    pbf_builder<onnx::OperatorSet> operators(message, onnx::Model::opset_import);
    operators.add_string(onnx::OperatorSet::domain, "");
    operators.add_int64(onnx::OperatorSet::version, onnx::written_opset);
  }
  for (const auto& [key, value] : graph.metadata) {
    pbf_builder<onnx::StringEntry> entry(message, onnx::Model::metadata_props);
    entry.add_string(onnx::StringEntry::key, key);
    entry.add_string(onnx::StringEntry::value, value);
  }
  return content;
}

}  // namespace

void write_onnx_file(const std::string& path, const OnnxGraph& graph) {
  const std::string body = graph_start(graph);
  std::vector<std::string> starts;
  std::uint64_t graph_size = body.size();
  for (const OnnxConstant& constant : graph.constants) {
    starts.push_back(constant_start(constant));
    graph_size += starts.back().size() + constant.data.size();
  }
  std::string head = model_start(graph);
  append_field_start(head, onnx::Model::graph, graph_size);
  if (head.size() + graph_size > largest_message) {
    fail(ErrorCode::unsupported, path, ": the ONNX file would have ", head.size() + graph_size,
         " bytes, and the format allows ", largest_message, "; export a network with a smaller width");
  }
  write_file_atomically(path, [&](const std::function<void(std::span<const std::byte>)>& append) {
    const auto append_text = [&](std::string_view text) { append(std::as_bytes(std::span(text))); };
    append_text(head);
    append_text(body);
    for (std::size_t i = 0; i < starts.size(); ++i) {
      append_text(starts[i]);
      append(graph.constants[i].data);
    }
  });
}

}  // namespace deepmoe
