#include <bit>
#include <cstring>

#include "base/base.hpp"
#include "engine/engine.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

template <class Number>
Number number_at(const std::byte* data, std::size_t index) {
  Number number;
  std::memcpy(&number, data + index * sizeof(Number), sizeof(Number));
  return number;
}

float from_half(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU, fraction = bits & 0x3FFU;
  if (exponent == 0) {
    const float size = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -size : size;
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFFU : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

float float_at(DataType type, const std::byte* data, std::size_t index) {
  switch (type) {
    case DataType::f32:
      return number_at<float>(data, index);
    case DataType::f64:
      return static_cast<float>(number_at<double>(data, index));
    case DataType::bf16:
      return std::bit_cast<float>(static_cast<std::uint32_t>(number_at<std::uint16_t>(data, index)) << 16);
    default:
      return from_half(number_at<std::uint16_t>(data, index));
  }
}

}  // namespace

ReadParameter parameters_of(const SafetensorsFile& file) {
  return [&file](const std::string& name) {
    const TensorView* view = file.find(name);
    if (view == nullptr) {
      fail(ErrorCode::format, "'", file.path(), "' has no parameter '", name,
           "', which the architecture needs; the weights are of another model");
    }
    const bool is_real = view->type == DataType::f32 || view->type == DataType::f64 ||
                         view->type == DataType::bf16 || view->type == DataType::f16;
    if (!is_real) {
      fail(ErrorCode::format, "'", file.path(), "': parameter '", name, "' has the type ",
           data_type_name(view->type), ", but must be F32, F64, BF16 or F16");
    }
    std::vector<float> numbers(view->data.size() / size_of(view->type));
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = float_at(view->type, view->data.data(), i);
    return numbers;
  };
}

}  // namespace deepmoe
