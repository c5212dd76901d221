#include "storage/data_type.hpp"

#include <array>
#include <limits>

#include "base/base.hpp"

namespace deepmoe {
namespace {

struct TypeRow {
  DataType type;
  std::string_view name;
  std::size_t size;
};

constexpr std::array<TypeRow, 10> types = {{{DataType::boolean, "BOOL", 1},
                                            {DataType::u8, "U8", 1},
                                            {DataType::i8, "I8", 1},
                                            {DataType::i16, "I16", 2},
                                            {DataType::i32, "I32", 4},
                                            {DataType::i64, "I64", 8},
                                            {DataType::f16, "F16", 2},
                                            {DataType::bf16, "BF16", 2},
                                            {DataType::f32, "F32", 4},
                                            {DataType::f64, "F64", 8}}};

const TypeRow& row_of(DataType type) {
  for (const TypeRow& row : types) {
    if (row.type == type) return row;
  }
  fail(ErrorCode::invalid_argument, "there is no data type number ", static_cast<int>(type));
}

}  // namespace

std::size_t size_of(DataType type) { return row_of(type).size; }

std::string_view data_type_name(DataType type) { return row_of(type).name; }

std::optional<DataType> data_type_of(std::string_view name) {
  for (const TypeRow& row : types) {
    if (row.name == name) return row.type;
  }
  return std::nullopt;
}

std::vector<std::string> data_type_names() {
  std::vector<std::string> names;
  for (const TypeRow& row : types) names.emplace_back(row.name);
  return names;
}

std::optional<std::uint64_t> byte_count(DataType type, const std::vector<std::int64_t>& shape) {
  std::uint64_t bytes = size_of(type);
  bool empty = false;
  for (const std::int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    empty = empty || extent == 0;
    // Zeros are left out: readers also multiply the other extents, for strides.
    const std::uint64_t factor = extent == 0 ? 1 : static_cast<std::uint64_t>(extent);
    if (bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / factor)
      return std::nullopt;
    bytes *= factor;
  }
  return empty ? 0 : bytes;
}

}  // namespace deepmoe
