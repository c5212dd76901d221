#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/small_disk.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

namespace {

std::size_t files_in(const std::string& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a file is written and replaced") {
  const TemporaryFolder folder;
  const std::string path = folder.file("file");
  write_file_atomically(path, "first");
  CHECK(read_file(path) == "first");
  write_file_atomically(path, "");
  CHECK(read_file(path).empty());
  write_file_atomically(path, std::string(300000, 'x'));
  CHECK(read_file(path) == std::string(300000, 'x'));
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("content in pieces of every size arrives in order") {
  const TemporaryFolder folder;
  const std::string path = folder.file("file");
  std::string expected;
  write_file_atomically(path, [&](const std::function<void(std::span<const std::byte>)>& append) {
    for (const std::size_t size : {0u, 1u, 65535u, 1u, 65536u, 65537u, 3u, 200000u, 0u, 7u, 65530u, 10u}) {
      const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
      expected += piece;
      append(std::as_bytes(std::span(piece)));
    }
  });
  CHECK((read_file(path) == expected));
}

TEST_CASE("a full disk leaves the old file and no other") {
  const TemporaryFolder folder;
  const std::string path = folder.file("file");
  write_file_atomically(path, "old");
  {
    const test::SmallDisk disk(100000);
    require_error(ErrorCode::io, {"can't write '" + path + "'", "File too large"},
                  [&] { write_file_atomically(path, std::string(200000, 'x')); });
    require_error(ErrorCode::io, {path}, [&] {
      write_file_atomically(path, [](const std::function<void(std::span<const std::byte>)>& append) {
        const std::string piece(1000, 'x');
        for (int i = 0; i < 200; ++i) append(std::as_bytes(std::span(piece)));
      });
    });
  }
  CHECK(read_file(path) == "old");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("a writer that throws leaves the old file and no other") {
  const TemporaryFolder folder;
  const std::string path = folder.file("file");
  write_file_atomically(path, "old");
  CHECK_THROWS_AS(write_file_atomically(path,
                                        [](const std::function<void(std::span<const std::byte>)>& append) {
                                          append(std::as_bytes(std::span(std::string_view("new"))));
                                          throw std::runtime_error("no more");
                                        }),
                  std::runtime_error);
  CHECK(read_file(path) == "old");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("a missing folder is not found") {
  const TemporaryFolder folder;
  const std::string path = folder.file("missing/file");
  require_error(ErrorCode::not_found, {path, "No such file or directory"},
                [&] { write_file_atomically(path, "x"); });
  require_error(ErrorCode::not_found, {"''"}, [&] { write_file_atomically("", "x"); });
}

TEST_CASE("a folder without permission is an io error") {
  if (::geteuid() == 0) {
    std::printf("SKIPPED: root may write everywhere\n");
    return;
  }
  const TemporaryFolder folder;
  ::chmod(folder.path().c_str(), 0500);
  require_error(ErrorCode::io, {folder.path(), "Permission denied"},
                [&] { write_file_atomically(folder.file("file"), "x"); });
  ::chmod(folder.path().c_str(), 0700);
}

TEST_CASE("folders and devices are not replaced") {
  const TemporaryFolder folder;
  require_error(ErrorCode::io, {folder.path(), "is a folder"},
                [&] { write_file_atomically(folder.path(), "x"); });
  require_error(ErrorCode::io, {"/dev/null", "not a regular file"},
                [&] { write_file_atomically("/dev/null", "x"); });
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("a symbolic link stays and its target is replaced") {
  const TemporaryFolder folder;
  const std::string target = folder.file("target"), link = folder.file("link");
  write_file_atomically(target, "old");
  std::filesystem::create_symlink("target", link);
  write_file_atomically(link, "new");
  CHECK(std::filesystem::is_symlink(link));
  CHECK(read_file(target) == "new");
}

TEST_CASE("permissions of the old file are kept and new files have the usual ones") {
  const TemporaryFolder folder;
  const std::string path = folder.file("file");
  const mode_t mask = ::umask(022);
  write_file_atomically(path, "a");
  ::umask(mask);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0644);
  ::chmod(path.c_str(), 0640);
  write_file_atomically(path, "b");
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("a file name of the greatest length can be written") {
  const TemporaryFolder folder;
  const std::string path = folder.file(std::string(255, 'n'));
  write_file_atomically(path, "x");
  CHECK(read_file(path) == "x");
}
