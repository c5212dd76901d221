#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

namespace {

TensorView view(const std::string& name, DataType type, std::vector<std::int64_t> shape,
                std::string_view bytes) {
  return {name, type, std::move(shape), std::as_bytes(std::span(bytes))};
}

}  // namespace

TEST_CASE("a written file has the bytes that the format asks for") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  write_safetensors(path, {view("a", DataType::f32, {2}, "AAAABBBB")}, {{"format", "pt"}});
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  const std::string length = {static_cast<char>(padded.size()), 0, 0, 0, 0, 0, 0, 0};
  CHECK(read_file(path) == length + padded + "AAAABBBB");
}

TEST_CASE("tensors are aligned to their element size without gaps") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  write_safetensors(
      path,
      {view("flag", DataType::boolean, {3}, "abc"), view("half", DataType::f16, {1}, "de"),
       view("double", DataType::f64, {1}, "fghijklm"), view("single", DataType::f32, {1}, "nopq"),
       view("byte", DataType::u8, {}, "r"), view("long", DataType::i64, {1}, "stuvwxyz")},
      {});
  const std::string file = read_file(path);
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(file[0])) |
                      static_cast<std::size_t>(static_cast<unsigned char>(file[1])) << 8;
  CHECK(length % 8 == 0);
  CHECK(file.substr(8 + length) == "fghijklmstuvwxyznopqdeabcr");
  const nlohmann::json header = nlohmann::json::parse(file.substr(8, length));
  CHECK_FALSE(header.contains("__metadata__"));
  CHECK(header.at("long").at("data_offsets") == nlohmann::json::array({8, 16}));
  CHECK(header.at("flag").at("data_offsets") == nlohmann::json::array({22, 25}));
}

TEST_CASE("tensors that do not fit the format are refused before anything is written") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  write_file_atomically(path, "old");
  const auto refused = [&](const std::vector<TensorView>& tensors, const std::string& reason,
                           const std::map<std::string, std::string>& metadata = {}) {
    require_error(ErrorCode::invalid_argument, {path, reason},
                  [&] { write_safetensors(path, tensors, metadata); });
    CHECK(read_file(path) == "old");
  };
  const TensorView good = view("a", DataType::u8, {1}, "x");
  refused({good, good}, "\"a\" is given twice");
  refused({view("a", DataType::f32, {2}, "1234567")}, "has 7 bytes of data, but its shape and type need 8");
  refused({view("a", DataType::u8, {-1}, "")}, "negative or too large");
  refused({view("a", DataType::u8, {INT64_MAX, 3, 0}, "")}, "negative or too large");
  refused({view("a", DataType::u8, std::vector<std::int64_t>(65, 1), "x")}, "65 dimensions");
  refused({view("__metadata__", DataType::u8, {1}, "x")}, "reserves");
  refused({view("\xff", DataType::u8, {1}, "x")}, "UTF-8");
  refused({good}, "UTF-8", {{"key", "\xc3"}});
  refused({good}, "at most 100000000 are possible", {{"key", std::string(100000001, 'x')}});
}
