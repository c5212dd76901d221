#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace deepmoe {

/// The values of TensorProto.DataType that are used.
enum class OnnxType : std::int32_t { f32 = 1, i64 = 7 };

using OnnxAttribute = std::variant<std::int64_t, double, std::vector<std::int64_t>>;

struct OnnxNode {
  std::string operation, name;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, OnnxAttribute> attributes;
};

/// A constant in row-major order, whose bytes somebody else owns.
struct OnnxConstant {
  std::string name;
  OnnxType type;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;
};

/// An input or output, f32; an extent is a number, or a name where it is open.
struct OnnxValue {
  std::string name;
  std::vector<std::variant<std::int64_t, std::string>> shape;
};

/// An ONNX model as plain data.
struct OnnxGraph {
  std::string name;
  std::vector<OnnxValue> inputs, outputs;
  std::vector<OnnxNode> nodes;  ///< in topological order
  std::vector<OnnxConstant> constants;
  std::map<std::string, std::string> metadata;
  std::deque<std::vector<std::byte>> storage;  ///< bytes of constants that the graph itself owns
};

}  // namespace deepmoe
