#include <doctest/doctest.h>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

TEST_CASE("a file is read with every byte") {
  const TemporaryFolder folder;
  std::string content;
  for (int i = 0; i < 600000; ++i) content += static_cast<char>(i % 251);
  write_file_atomically(folder.file("file"), content);
  CHECK((read_file(folder.file("file")) == content));
  CHECK_FALSE(read_file("/proc/self/status").empty());  // The system reports its size as 0.
}

TEST_CASE("a file above the limit is refused") {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("file"), "12345");
  CHECK(read_file(folder.file("file"), 5) == "12345");
  require_error(ErrorCode::io, {folder.file("file"), "more than 4 bytes"},
                [&] { read_file(folder.file("file"), 4); });
  require_error(ErrorCode::io, {"/dev/zero", "more than 1000000 bytes"},
                [&] { read_file("/dev/zero", 1000000); });
}

TEST_CASE("what can't be read is named") {
  const TemporaryFolder folder;
  require_error(ErrorCode::not_found, {folder.file("x"), "No such file"},
                [&] { read_file(folder.file("x")); });
  require_error(ErrorCode::io, {folder.path(), "directory"}, [&] { read_file(folder.path()); });
}
