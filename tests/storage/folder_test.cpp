#include <doctest/doctest.h>

#include <filesystem>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

TEST_CASE("a folder is made with its parents and may exist") {
  const TemporaryFolder folder;
  make_folder(folder.file("a/b/c"));
  CHECK(std::filesystem::is_directory(folder.file("a/b/c")));
  make_folder(folder.file("a/b/c"));
  make_folder(folder.file("a/d/"));
  CHECK(std::filesystem::is_directory(folder.file("a/d")));
}

TEST_CASE("a file in the way of a folder is refused") {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("file"), "x");
  require_error(ErrorCode::io, {folder.file("file")}, [&] { make_folder(folder.file("file")); });
  require_error(ErrorCode::io, {folder.file("file/sub")}, [&] { make_folder(folder.file("file/sub")); });
}
