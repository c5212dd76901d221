#pragma once

/// Field numbers of the messages of onnx.proto (IR version 8) that are written: the format's own definition,
/// see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Field numbers never change there.

#include <protozero/types.hpp>

namespace deepmoe::onnx {

constexpr int written_ir_version = 8;
constexpr int written_opset = 17;

enum class Model : protozero::pbf_tag_type {
  ir_version = 1,
  producer_name = 2,
  producer_version = 3,
  graph = 7,
  opset_import = 8,
  metadata_props = 14,
};
enum class OperatorSet : protozero::pbf_tag_type { domain = 1, version = 2 };
enum class StringEntry : protozero::pbf_tag_type { key = 1, value = 2 };
enum class Graph : protozero::pbf_tag_type { node = 1, name = 2, initializer = 5, input = 11, output = 12 };
enum class Node : protozero::pbf_tag_type { input = 1, output = 2, name = 3, op_type = 4, attribute = 5 };
enum class Attribute : protozero::pbf_tag_type { name = 1, f = 2, i = 3, ints = 8, type = 20 };
enum AttributeType { attribute_float = 1, attribute_int = 2, attribute_ints = 7 };
enum class Tensor : protozero::pbf_tag_type { dims = 1, data_type = 2, name = 8, raw_data = 9 };
enum class ValueInfo : protozero::pbf_tag_type { name = 1, type = 2 };
enum class Type : protozero::pbf_tag_type { tensor_type = 1 };
enum class TensorType : protozero::pbf_tag_type { elem_type = 1, shape = 2 };
enum class TensorShape : protozero::pbf_tag_type { dim = 1 };
enum class Dimension : protozero::pbf_tag_type { dim_value = 1, dim_param = 2 };

}  // namespace deepmoe::onnx
