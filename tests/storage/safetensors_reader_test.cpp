#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

namespace {

std::string with_length(const std::string& header, const std::string& data) {
  std::string file;
  for (std::size_t i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> 8 * i);
  return file + header + data;
}

std::string text_of(const TensorView& tensor) {
  return {reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size()};
}

}  // namespace

TEST_CASE("tensors of every type and shape come back as written") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  std::mt19937 random(7);
  std::vector<std::vector<std::byte>> bytes;
  std::vector<TensorView> written;
  const std::vector<std::vector<std::int64_t>> shapes = {{}, {0}, {5}, {2, 3}, {3, 0, 2}, {1, 2, 1, 3}, {1}};
  for (const DataType type : {DataType::boolean, DataType::u8, DataType::i8, DataType::i16, DataType::i32,
                              DataType::i64, DataType::f16, DataType::bf16, DataType::f32, DataType::f64}) {
    for (const auto& shape : shapes) {
      std::size_t size = size_of(type);
      for (const std::int64_t extent : shape) size *= static_cast<std::size_t>(extent);
      std::vector<std::byte>& data = bytes.emplace_back(size);
      for (std::byte& byte : data) byte = static_cast<std::byte>(random());
      written.push_back({"tensor." + std::to_string(written.size()), type, shape, {}});
    }
  }
  for (std::size_t i = 0; i < written.size(); ++i) written[i].data = bytes[i];
  std::shuffle(written.begin(), written.end(), random);
  const std::map<std::string, std::string> metadata = {{"options", "{\"lr\": 1}"},
                                                       {"ünï", "\"quoted\"\n\0x"}};
  write_safetensors(path, written, metadata);

  const SafetensorsFile file(path);
  CHECK(file.path() == path);
  CHECK(file.metadata() == metadata);
  CHECK(file.tensors().size() == written.size());
  const std::byte* previous_end = nullptr;
  for (const TensorView& tensor : file.tensors()) {
    CHECK((previous_end == nullptr || tensor.data.data() == previous_end));
    previous_end = tensor.data.data() + tensor.data.size();
    if (!tensor.data.empty())
      CHECK(reinterpret_cast<std::uintptr_t>(tensor.data.data()) % size_of(tensor.type) == 0);
  }
  for (const TensorView& tensor : written) {
    CAPTURE(tensor.name);
    const TensorView* const read = file.find(tensor.name);
    REQUIRE(read != nullptr);
    CHECK(read->type == tensor.type);
    CHECK(read->shape == tensor.shape);
    CHECK((text_of(*read) == text_of(tensor)));
  }
  CHECK(file.find("tensor") == nullptr);
  CHECK(file.find("") == nullptr);
}

TEST_CASE("files as the Python package writes them are read") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  // Metadata last, members in another order, spaces inside, padding, an empty tensor between others, escapes.
  write_file_atomically(path, with_length(R"({ "b" : {"data_offsets":[4,6], "shape":[2], "dtype":"I8"},
      "e":{"dtype":"F64","shape":[0,3],"data_offsets":[4,4]},
      "a\u00e4":{"shape":[],"dtype":"F32","data_offsets":[0,4]}, "__metadata__":{"format":"pt"} }      )",
                                          "AAAABB"));
  SafetensorsFile file(path);
  CHECK(file.metadata() == std::map<std::string, std::string>{{"format", "pt"}});
  REQUIRE(file.tensors().size() == 3);
  CHECK(file.tensors()[0].name == "aä");
  CHECK(file.tensors()[1].name == "e");
  CHECK(file.tensors()[2].name == "b");
  REQUIRE(file.find("b") != nullptr);
  CHECK(text_of(*file.find("b")) == "BB");

  write_file_atomically(path, with_length("{}", ""));
  const std::string old = text_of(*file.find("b"));  // The replaced file stays open.
  CHECK(old == "BB");
  const SafetensorsFile empty(path);
  CHECK(empty.tensors().empty());
  SafetensorsFile moved = std::move(file);
  CHECK(text_of(*moved.find("b")) == "BB");
}

TEST_CASE("hostile files are refused with file and reason") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  const auto refused = [&](const std::string& content, const std::string& reason) {
    write_file_atomically(path, content);
    require_error(ErrorCode::format, {"'" + path + "' is not a valid safetensors file: ", reason},
                  [&] { SafetensorsFile{path}; });
  };
  const auto header = [&](const std::string& text, const std::string& reason) {
    refused(with_length(text, "12345678"), reason);
  };
  const auto tensor = [&](const std::string& members, const std::string& reason) {
    header("{\"a\":{" + members + "}}", "tensor \"a\" " + reason);
  };

  refused("", "it has 0 bytes");
  refused("1234567", "it has 7 bytes");
  refused(std::string(8, '\xff'), "its header claims 18446744073709551615 bytes; at most 100000000");
  refused(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10), "claims 100000001 bytes; at most 100000000");
  refused(std::string("\0\xe1\xf5\x05\0\0\0\0{}", 10), "claims 100000000 bytes, but only 2 follow");
  refused(std::string(8, '\0'), "not a JSON object");

  header("", "not a JSON object");
  header("[]", "not a JSON object");
  header(" {}", "not a JSON object");
  header("\xef\xbb\xbf{}", "not a JSON object");
  header(std::string("{}\0", 3), "not a JSON object");
  header("{", "not valid JSON");
  header("{} {}", "not valid JSON");
  header("{\"\xff\":1}", "not valid JSON");
  header(R"({"a":1e999})", "not valid JSON");
  header(R"({"a":[]})", "member \"a\" is an array, not an object");
  header(R"({"a":null})", "member \"a\" is null");
  header(std::string(R"({"a":)") + std::string(100000, '['), "member \"a\" is an array");
  header(R"({"__metadata__":"x"})", "member \"__metadata__\" is text");
  header(R"({"__metadata__":{"k":1}})", "metadata of \"k\" is a number, not text");
  header(R"({"__metadata__":{"k":{}}})", "metadata of \"k\" is an object, not text");
  header(R"({"__metadata__":{"k":"1","k":"1"}})", "metadata has \"k\" twice");
  header(R"({"__metadata__":{},"__metadata__":{}})", "\"__metadata__\" is given twice");

  const std::string good = R"("dtype":"U8","shape":[8],"data_offsets":[0,8])";
  header("{\"a\":{" + good + "},\"a\":{" + good + "}}", "\"a\" is given twice");
  header("{\"a\":{" + good + "},\"\\u0061\":{" + good + "}}", "\"a\" is given twice");
  tensor(good + ",\"dtype\":\"U8\"", "has \"dtype\" twice");
  tensor(good + ",\"extra\":1", "has the unknown member \"extra\"");
  tensor(R"("shape":[8],"data_offsets":[0,8])", "has no dtype");
  tensor(R"("dtype":"U8","data_offsets":[0,8])", "has no shape");
  tensor(R"("dtype":"U8","shape":[8])", "has no pair of data_offsets");
  tensor(R"("dtype":"U8","shape":[8],"data_offsets":[0])", "has no pair of data_offsets");
  tensor(R"("dtype":"U8","shape":[8],"data_offsets":[0,8,8])", "has more than two data_offsets");
  tensor(R"("dtype":"U8","shape":[8],"data_offsets":8)", "has a number as \"data_offsets\"");
  tensor(R"("dtype":"U8","shape":[8],"data_offsets":[-1,8])", "has a negative number in its data_offsets");
  tensor(R"("dtype":"U8","shape":[8],"data_offsets":[0,8.0])", "has a number that is no 63-bit integer");
  tensor(R"("dtype":"U8","shape":[8],"data_offsets":[0,18446744073709551616])",
         "has a number that is no 63-bit integer");
  tensor(R"("dtype":"U8","shape":[8],"data_offsets":[18446744073709551608,16])",
         "has a number that is no 63-bit integer");
  tensor(R"("dtype":"U8","shape":[8],"data_offsets":[8,0])", "has the data_offsets 8 to 0");
  tensor(R"("dtype":"U8","shape":[9],"data_offsets":[0,9])",
         "has the data_offsets 0 to 9, but the file has 8");
  tensor(R"("dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8])",
         "has the type \"F8_E4M3\"; this library reads BOOL");
  tensor(R"("dtype":8,"shape":[8],"data_offsets":[0,8])", "has a number as \"dtype\"");
  tensor(R"("dtype":"U8","shape":"8","data_offsets":[0,8])", "has text as \"shape\"");
  tensor(R"("dtype":"U8","shape":[[8]],"data_offsets":[0,8])", "has an array in its shape");
  tensor(R"("dtype":"U8","shape":[true],"data_offsets":[0,8])", "has a boolean in its shape");
  tensor(R"("dtype":"U8","shape":[-8],"data_offsets":[0,8])", "has a negative number in its shape");
  tensor(R"("dtype":"U8","shape":[7],"data_offsets":[0,8])",
         "has 8 bytes of data, but its shape and type need 7");
  tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,8])",
         "has 8 bytes of data, but its shape and type need 4");
  tensor(R"("dtype":"U8","shape":[4294967296,4294967296,8],"data_offsets":[0,8])",
         "has a shape that is too large");
  tensor(R"("dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8])",
         "has a shape that is too large");
  std::string ones = "1";
  for (int i = 0; i < 64; ++i) ones += ",1";
  tensor(R"("dtype":"U8","shape":[)" + ones + R"(],"data_offsets":[0,1])", "has more than 64 dimensions");

  const auto two = [](const std::string& a, const std::string& b) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + a +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}";
  };
  header(two("[0,4]", "[0,4]"), "\"b\" overlaps");
  header(two("[3,7]", "[0,4]"), "\"a\" overlaps the tensor before it (it begins at 3, not at 4)");
  refused(with_length(two("[0,4]", "[5,9]"), "123456789"), "\"b\" leaves a gap");
  refused(with_length(two("[1,5]", "[5,9]"), "123456789"), "\"a\" leaves a gap");
  refused(with_length(two("[0,4]", "[4,8]"), "123456789"), "it has 9 bytes of data, but its tensors need 8");
  header("{}", "it has 8 bytes of data, but its tensors need 0");
  header(R"({"e":{"dtype":"U8","shape":[0],"data_offsets":[5,5]},"a":{)" + good + "}}", "\"e\" overlaps");

  // Names from the file can neither flood nor rewrite a terminal.
  header("{\"" + std::string(100000, 'n') + "\":1}", std::string(90, 'n') + "...");
  header(R"({"\u001b[2J":1})", R"("\u001b[2J")");
}

TEST_CASE("a file cut short at any byte is refused and never crashes") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  const std::string numbers = "123456789abc";
  write_safetensors(path,
                    {{"a", DataType::f32, {2}, std::as_bytes(std::span(numbers)).first(8)},
                     {"b", DataType::u8, {2, 2}, std::as_bytes(std::span(numbers)).subspan(8)}},
                    {{"key", "value"}});
  const std::string whole = read_file(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    write_file_atomically(path, whole.substr(0, size));
    require_error(ErrorCode::format, {path}, [&] { SafetensorsFile{path}; });
  }
  write_file_atomically(path, whole + "x");
  require_error(ErrorCode::format, {path}, [&] { SafetensorsFile{path}; });
}

TEST_CASE("a file with any byte changed is read within its bounds or refused") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  const std::string numbers = "12345678";
  write_safetensors(path, {{"a", DataType::f32, {2}, std::as_bytes(std::span(numbers))}}, {{"key", "value"}});
  const std::string whole = read_file(path);
  std::mt19937 random(3);
  int refusals = 0;
  for (std::size_t place = 0; place + 8 < whole.size(); ++place) {
    for (int i = 0; i < 6; ++i) {
      std::string changed = whole;
      changed[place] = static_cast<char>(i == 0 ? 0 : random());
      write_file_atomically(path, changed);
      try {
        const SafetensorsFile file(path);
        for (const TensorView& tensor : file.tensors()) CHECK(text_of(tensor).size() == 8);
      } catch (const Error& error) {
        ++refusals;
        CHECK(error.code() == ErrorCode::format);
      }
    }
  }
  CHECK(refusals > 100);
}

TEST_CASE("what is no readable file is refused") {
  const TemporaryFolder folder;
  require_error(ErrorCode::not_found, {folder.file("x"), "No such file"},
                [&] { SafetensorsFile{folder.file("x")}; });
  require_error(ErrorCode::io, {folder.path(), "is a folder"}, [&] { SafetensorsFile{folder.path()}; });
  require_error(ErrorCode::io, {"/dev/zero", "not a regular file"}, [&] { SafetensorsFile{"/dev/zero"}; });
  const std::string pipe = folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  require_error(ErrorCode::io, {pipe, "not a regular file"}, [&] { SafetensorsFile{pipe}; });
}
