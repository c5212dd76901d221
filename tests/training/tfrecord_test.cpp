#include "training/tfrecord.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace deepmoe;

namespace {

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

std::uint32_t unmasked(std::uint64_t masked) {
  const auto rotated = static_cast<std::uint32_t>(masked) - 0xA282EAD8U;
  return rotated >> 17 | rotated << 15;
}

}  // namespace

TEST_CASE("the checksum is that of the examples in RFC 3720") {
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAU);
  CHECK(crc32c(std::string(32, '\xFF')) == 0x62A8AB43U);
  std::string ascending, descending;
  for (int i = 0; i < 32; ++i) {
    ascending.push_back(static_cast<char>(i));
    descending.push_back(static_cast<char>(31 - i));
  }
  CHECK(crc32c(ascending) == 0x46DD794EU);
  CHECK(crc32c(descending) == 0x113FDB5CU);
  CHECK(crc32c("123456789") == 0xE3069283U);
}

TEST_CASE("a record holds its length and its data with checksums of both") {
  for (const std::string& data : {std::string(), std::string("gates"), std::string(70000, 'x')}) {
    const std::string record = tfrecord(data);
    const std::string_view view = record;
    REQUIRE(record.size() == data.size() + 16);
    CHECK(little_endian(view.substr(0, 8)) == data.size());
    CHECK(unmasked(little_endian(view.substr(8, 4))) == crc32c(view.substr(0, 8)));
    CHECK(view.substr(12, data.size()) == data);
    CHECK(unmasked(little_endian(view.substr(12 + data.size()))) == crc32c(data));
  }
}
