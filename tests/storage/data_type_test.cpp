#include "storage/data_type.hpp"

#include <doctest/doctest.h>

#include "base/require_error.hpp"

using namespace deepmoe;

TEST_CASE("every type is found by its own name") {
  const std::vector<std::string> names = data_type_names();
  CHECK(names ==
        std::vector<std::string>{"BOOL", "U8", "I8", "I16", "I32", "I64", "F16", "BF16", "F32", "F64"});
  for (const std::string& name : names) {
    const std::optional<DataType> type = data_type_of(name);
    REQUIRE(type);
    CHECK(data_type_name(*type) == name);
  }
  CHECK_FALSE(data_type_of("F8_E4M3"));
  CHECK_FALSE(data_type_of("f32"));
  CHECK_FALSE(data_type_of(""));
}

TEST_CASE("sizes are those of the types") {
  CHECK(size_of(DataType::boolean) == 1);
  CHECK(size_of(DataType::bf16) == 2);
  CHECK(size_of(DataType::f32) == 4);
  CHECK(size_of(DataType::i64) == 8);
  require_error(ErrorCode::invalid_argument, {"77"}, [] { size_of(static_cast<DataType>(77)); });
}

TEST_CASE("bytes of a shape are counted without overflow") {
  CHECK(byte_count(DataType::f32, {}) == 4);
  CHECK(byte_count(DataType::f32, {2, 3, 5}) == 120);
  CHECK(byte_count(DataType::f32, {2, 0, 5}) == 0);
  CHECK(byte_count(DataType::u8, {INT64_MAX}) == std::uint64_t(INT64_MAX));
  CHECK_FALSE(byte_count(DataType::i16, {INT64_MAX}));
  CHECK_FALSE(byte_count(DataType::u8, {INT64_MAX, 2}));
  CHECK_FALSE(byte_count(DataType::u8, {0, INT64_MAX, INT64_MAX}));
  CHECK_FALSE(byte_count(DataType::u8, {std::int64_t(1) << 32, std::int64_t(1) << 32}));
  CHECK_FALSE(byte_count(DataType::u8, {3, -1}));
  CHECK_FALSE(byte_count(DataType::u8, {-1, -3}));
}
