#include "data/fetch_unpack.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "data/archives.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

namespace {

namespace fs = std::filesystem;

/// A folder to unpack into, with a neighbour that nothing may touch.
struct Place {
  TemporaryFolder folder;
  std::string archive = folder.file("archive"), inside = folder.file("inside"),
              outside = folder.file("outside");

  Place() {
    make_folder(inside);
    write_file_atomically(outside, "untouched");
  }
  void unpack(const std::string& bytes, const UnpackLimits& limits = {}) const {
    write_file_atomically(archive, bytes);
    unpack_archive(archive, inside, limits, {});
  }
  void expect_refusal(const std::vector<ArchiveEntry>& entries, const std::string& reason,
                      const UnpackLimits& limits = {}) const {
    require_error(ErrorCode::format, {archive, reason}, [&] { unpack(packed(entries), limits); });
    CHECK(read_file(outside) == "untouched");
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder.path())) {
      names.push_back(entry.path().filename().string());
    }
    CHECK(names.size() == 3);
    fs::remove_all(inside);
    make_folder(inside);
  }
};

}  // namespace

TEST_CASE("files and folders are unpacked from every compression") {
  for (const std::string filter : {"gzip", "bzip2", "xz", "zstd", ""}) {
    CAPTURE(filter);
    const Place place;
    place.unpack(
        packed({{"./a/", "", AE_IFDIR}, {"./a/b/c.txt", "text"}, {"./d", ""}, {"./", "", AE_IFDIR}}, filter));
    CHECK(read_file(place.inside + "/a/b/c.txt") == "text");
    CHECK(read_file(place.inside + "/d").empty());
    struct stat status{};
    REQUIRE(::stat((place.inside + "/d").c_str(), &status) == 0);
    // Neither to be executed nor to be run as somebody else.
    CHECK((status.st_mode & 07111) == 0);
  }
}

TEST_CASE("an entry that leads out of the folder is refused") {
  const Place place;
  place.expect_refusal({{"a", "x"}, {"../outside", "bad"}}, "leads out of the folder");
  place.expect_refusal({{"a/../../outside", "bad"}}, "leads out of the folder");
  place.expect_refusal({{"..", "", AE_IFDIR}}, "leads out of the folder");
  place.expect_refusal({{place.outside, "bad"}}, "absolute path");
}

TEST_CASE("links and devices are refused") {
  const Place place;
  place.expect_refusal({{"a", "", AE_IFLNK, "../outside"}, {"a", "bad"}}, "is a link");
  place.expect_refusal({{"a", "", AE_IFLNK, place.folder.path()}, {"a/outside", "bad"}}, "is a link");
  place.expect_refusal({{"b", "x"}, {"a", "", AE_IFREG, "", "b"}}, "is a link");
  place.expect_refusal({{"a", "", AE_IFREG, "", "../outside"}}, "is a link");
  place.expect_refusal({{"a", "", AE_IFCHR}}, "neither a file nor a folder");
  place.expect_refusal({{"a", "", AE_IFIFO}}, "neither a file nor a folder");
}

TEST_CASE("an archive larger than its limits is refused") {
  const Place place;
  place.expect_refusal({{"a", std::string(60, 'x')}, {"b", std::string(41, 'x')}}, "more than 100 bytes",
                       {100, 10});
  place.expect_refusal({{"a", "x"}, {"b", "x"}, {"c", "x"}}, "more than 2 entries", {100, 2});
  place.expect_refusal({{std::string(1100, 'n'), "x"}}, "name of 1100 bytes");
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "f/";
  place.expect_refusal({{deep, "", AE_IFDIR}}, "folders deep");
  place.unpack(packed({{"a", std::string(60, 'x')}, {"b", std::string(40, 'x')}}), {100, 2});
}

TEST_CASE("a name that comes twice is refused") {
  const Place place;
  place.expect_refusal({{"a", "x"}, {"./a", "y"}}, "two entries 'a'");
}

TEST_CASE("what is no archive and what is damaged are refused") {
  const Place place;
  const auto refuse = [&](const std::string& bytes) {
    require_error(ErrorCode::format, {place.archive, "tar archive"}, [&] { place.unpack(bytes); });
    fs::remove_all(place.inside);
    make_folder(place.inside);
  };
  refuse("<html>Not what you asked for</html>");
  const std::string whole = packed(small_cifar10());
  for (const std::size_t part : {whole.size() / 100, whole.size() / 2, whole.size() - 20}) {
    CAPTURE(part);
    refuse(whole.substr(0, part));
  }
  require_error(ErrorCode::format, {"absent"}, [&] { unpack_archive("absent", place.inside, {}, {}); });
}

TEST_CASE("unpacking tells its progress and may be stopped") {
  const Place place;
  const std::string bytes = packed(small_cifar10());
  write_file_atomically(place.archive, bytes);
  int calls = 0;
  unpack_archive(place.archive, place.inside, {}, [&](std::int64_t done, std::int64_t total) {
    ++calls;
    CHECK(done <= total);
    CHECK(total == static_cast<std::int64_t>(bytes.size()));
    return true;
  });
  CHECK(calls >= 7);
  fs::remove_all(place.inside);
  make_folder(place.inside);
  require_error(ErrorCode::cancelled, {place.archive}, [&] {
    unpack_archive(place.archive, place.inside, {}, [](std::int64_t, std::int64_t) { return false; });
  });
}
