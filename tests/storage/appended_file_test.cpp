#include <doctest/doctest.h>

#include <filesystem>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/small_disk.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

TEST_CASE("an appended file starts empty and grows") {
  const TemporaryFolder folder;
  const std::string path = folder.file("log");
  write_file_atomically(path, "of an earlier run");
  AppendedFile file(path);
  CHECK(read_file(path).empty());
  file.append("one\n");
  file.append("two\n");
  CHECK(read_file(path) == "one\ntwo\n");
  CHECK(file.size() == 8);
}

TEST_CASE("an appended file goes on behind what is kept of it") {
  const TemporaryFolder folder;
  const std::string path = folder.file("log");
  write_file_atomically(path, "one\ntwo\ntor");
  AppendedFile file(path, 8);
  CHECK(read_file(path) == "one\ntwo\n");
  AppendedFile moved(std::move(file));
  moved.append("three\n");
  CHECK(read_file(path) == "one\ntwo\nthree\n");
  require_error(ErrorCode::format, {path, "100", "14"}, [&] { AppendedFile(path, 100); });
  require_error(ErrorCode::not_found, {folder.file("absent")},
                [&] { AppendedFile(folder.file("absent"), 1); });
}

TEST_CASE("what does not fit on the disk leaves the appended file as it was") {
  const TemporaryFolder folder;
  const std::string path = folder.file("log");
  AppendedFile file(path);
  file.append("whole\n");
  {
    const test::SmallDisk disk(1000);
    require_error(ErrorCode::io, {path}, [&] { file.append(std::string(2000, 'x')); });
    CHECK(read_file(path) == "whole\n");
    file.append("small\n");
  }
  CHECK(read_file(path) == "whole\nsmall\n");
}

TEST_CASE("a full device is named with the reason") {
  if (!std::filesystem::exists("/dev/full")) {
    MESSAGE("SKIPPED: this system has no /dev/full");
    return;
  }
  const TemporaryFolder folder;
  const std::string path = folder.file("log");
  std::filesystem::create_symlink("/dev/full", path);
  AppendedFile file(path);
  require_error(ErrorCode::io, {path, "No space left"}, [&] { file.append("x"); });
  CHECK(file.size() == 0);
}

TEST_CASE("a place where no file can be is named") {
  const TemporaryFolder folder;
  require_error(ErrorCode::not_found, {folder.file("absent/log")},
                [&] { AppendedFile(folder.file("absent/log")); });
  require_error(ErrorCode::io, {folder.path()}, [&] { AppendedFile(folder.path()); });
}
