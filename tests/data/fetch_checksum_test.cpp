#include "data/fetch_checksum.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

TEST_CASE("checksums are those of the published examples") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x");
  const auto expect = [&](const std::string& content, const std::string& md5, const std::string& sha256) {
    write_file_atomically(path, content);
    const Checksums sums = file_checksums(path, {});
    CHECK(sums.md5 == md5);
    CHECK(sums.sha256 == sha256);
  };
  expect("", "d41d8cd98f00b204e9800998ecf8427e",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect("abc", "900150983cd24fb0d6963f7d28e17f72",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(std::string(1000000, 'a'), "7707d6ae4e027c70eea2a935c2296f21",
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("progress tells the bytes and may stop the checking") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x");
  write_file_atomically(path, std::string(1000000, 'a'));
  std::int64_t last = 0;
  file_checksums(path, [&](std::int64_t done, std::int64_t total) {
    CHECK(done >= last);
    CHECK(total == 1000000);
    last = done;
    return true;
  });
  CHECK(last == 1000000);
  require_error(ErrorCode::cancelled, {path},
                [&] { file_checksums(path, [](std::int64_t, std::int64_t) { return false; }); });
}

TEST_CASE("a file that can not be read has no checksum") {
  const TemporaryFolder folder;
  require_error(ErrorCode::io, {folder.file("absent")}, [&] { file_checksums(folder.file("absent"), {}); });
  require_error(ErrorCode::io, {folder.path()}, [&] { file_checksums(folder.path(), {}); });
}
