#include "data/fetch_part.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

namespace {

void append(PartialFile& part, const std::string& text) { part.append(std::as_bytes(std::span(text))); }

}  // namespace

TEST_CASE("a partial file keeps what was appended and goes on from there") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.part");
  {
    PartialFile part(path);
    CHECK(part.size() == 0);
    append(part, "abc");
  }
  {
    PartialFile part(path);
    CHECK(part.size() == 3);
    append(part, "de");
    CHECK(part.size() == 5);
    CHECK(part.appended() == 2);
  }
  CHECK(read_file(path) == "abcde");
  {
    PartialFile part(path);
    part.clear();
    append(part, "f");
    CHECK(part.size() == 1);
  }
  CHECK(read_file(path) == "f");
}

TEST_CASE("an empty partial file and a removed one leave nothing") {
  const TemporaryFolder folder;
  {
    const PartialFile part(folder.file("empty"));
  }
  {
    PartialFile part(folder.file("removed"));
    append(part, "abc");
    part.remove();
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a partial file belongs to one at a time") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.part");
  {
    const PartialFile part(path);
    require_error(ErrorCode::state, {path, "in use"}, [&] { const PartialFile second(path); });
  }
  const PartialFile next(path);
}

TEST_CASE("what is no regular file is not taken for a partial one") {
  const TemporaryFolder folder;
  REQUIRE(::symlink("target", folder.file("link").c_str()) == 0);
  require_error(ErrorCode::io, {folder.file("link")}, [&] { const PartialFile part(folder.file("link")); });
  CHECK_FALSE(std::filesystem::exists(folder.file("target")));
  require_error(ErrorCode::io, {folder.path()}, [&] { const PartialFile part(folder.path()); });
  require_error(ErrorCode::not_found, {"absent"}, [&] { const PartialFile part(folder.file("absent/x")); });
}
