#include "data/fetch.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "data/archives.hpp"
#include "data/data.hpp"
#include "data/fetch_part.hpp"
#include "data/http_server.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;
using Answer = HttpServer::Answer;
using Request = HttpServer::Request;

namespace {

namespace fs = std::filesystem;

/// A server of an archive and a folder for it.
struct Fetch {
  TemporaryFolder folder;
  const std::string data_dir = folder.file("data");
  const std::string archive = data_dir + "/cifar-10-python.tar.gz", part = archive + ".part";
  const std::string content = packed(small_cifar10());
  HttpServer server{content};

  FetchResult run(const FetchCallback& callback = {}) const { return run(sha256(content), callback); }
  FetchResult run(const std::string& sum, const FetchCallback& callback = {}) const {
    return fetch_dataset("cifar10", data_dir, {server.url(), sum, std::chrono::milliseconds(1)}, callback);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    if (!fs::exists(data_dir)) return names;
    for (const fs::directory_entry& entry : fs::directory_iterator(data_dir)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  void expect_complete() const {
    CHECK(names() == std::vector<std::string>{"cifar-10-batches-py"});
    Options options;
    options.set("dataset", "cifar10");
    options.set("data_dir", data_dir);
    CHECK(open_dataset(options, "train")->size() == 10);
    CHECK(open_dataset(options, "test")->size() == 2);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fetch, "a data set is downloaded and checked and unpacked and opens") {
  std::vector<FetchStage> stages;
  const FetchResult result = run([&](const FetchProgress& progress) {
    if (stages.empty() || stages.back() != progress.stage) stages.push_back(progress.stage);
    CHECK((progress.total == -1 || progress.done <= progress.total));
    return true;
  });
  CHECK(stages == std::vector<FetchStage>{FetchStage::download, FetchStage::check, FetchStage::unpack});
  CHECK(result.fetched);
  CHECK(result.training_images == 10);
  CHECK(result.test_images == 2);
  CHECK(result.downloaded_bytes == static_cast<std::int64_t>(content.size()));
  CHECK(result.resumed_bytes == 0);
  expect_complete();
}

TEST_CASE_FIXTURE(Fetch, "a complete data set is left alone") {
  run();
  const std::size_t requests = server.requests().size();
  const auto time = fs::last_write_time(data_dir);
  const FetchResult again = run();
  CHECK_FALSE(again.fetched);
  CHECK(again.training_images == 10);
  CHECK(server.requests().size() == requests);
  CHECK(fs::last_write_time(data_dir) == time);
  expect_complete();
}

TEST_CASE_FIXTURE(Fetch, "a later call goes on where an earlier one was stopped") {
  const auto half = static_cast<std::int64_t>(content.size() / 2);
  server.answer_by([&](const Request&) { return Answer{200, content, {}, -1, half}; });
  require_error(ErrorCode::cancelled, {part},
                [&] { run([&](const FetchProgress& progress) { return progress.done < half; }); });
  CHECK(names() == std::vector<std::string>{"cifar-10-python.tar.gz.part"});
  server.answer_by([&](const Request& request) { return HttpServer::file(content, request); });
  const FetchResult result = run();
  CHECK(server.requests().back().range_start == half);
  CHECK(result.resumed_bytes == half);
  CHECK(result.downloaded_bytes == static_cast<std::int64_t>(content.size()) - half);
  expect_complete();
}

TEST_CASE_FIXTURE(Fetch, "a stop while checking or unpacking keeps the archive") {
  for (const FetchStage stage : {FetchStage::check, FetchStage::unpack}) {
    require_error(ErrorCode::cancelled, {part},
                  [&] { run([&](const FetchProgress& progress) { return progress.stage != stage; }); });
    CHECK(names() == std::vector<std::string>{"cifar-10-python.tar.gz.part"});
    CHECK(read_file(part) == content);
  }
  CHECK(run().downloaded_bytes == 0);
  expect_complete();
}

TEST_CASE_FIXTURE(Fetch, "a beginning that does not fit is replaced") {
  make_folder(data_dir);
  write_file_atomically(part, std::string(1000, 'x'));
  const FetchResult result = run();
  CHECK(result.resumed_bytes == 0);
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[0].range_start == 1000);
  CHECK(server.requests()[1].range_start == -1);
  expect_complete();
}

TEST_CASE_FIXTURE(Fetch, "another checksum is refused and nothing stays") {
  server.answer_by([](const Request& request) { return HttpServer::file("something else", request); });
  require_error(ErrorCode::format, {server.url(), "SHA-256", "url"}, [&] { run(); });
  CHECK(names().empty());
  // The published checksums, where no other is given.
  require_error(ErrorCode::format, {"MD5", "c58f30108f718f92721af3b95e74349a"},
                [&] { fetch_dataset("cifar10", data_dir, {server.url(), ""}, {}); });
  require_error(ErrorCode::format, {"MD5", "eb9058c3a382ffc7106e4002c42a8d85"},
                [&] { fetch_dataset("cifar100", data_dir, {server.url(), ""}, {}); });
  CHECK(names().empty());
}

TEST_CASE_FIXTURE(Fetch, "an archive that is not harmless or not the data set is refused") {
  const auto refuse = [&](const std::string& bytes, const std::string& reason) {
    server.answer_by([&](const Request& request) { return HttpServer::file(bytes, request); });
    require_error(ErrorCode::format, {"cifar-10-python.tar.gz.part", reason}, [&] { run(sha256(bytes)); });
    CHECK_FALSE(fs::exists(data_dir + "/cifar-10-batches-py"));
    CHECK_FALSE(fs::exists(folder.file("escaped")));
    fs::remove_all(data_dir);
  };
  refuse("<html>", "tar archive");
  std::vector<ArchiveEntry> entries = small_cifar10();
  entries.push_back({"../../escaped", "bad"});
  refuse(packed(entries), "leads out of the folder");
  entries.back() = {"cifar-10-batches-py/link", "", AE_IFLNK, folder.file("escaped")};
  refuse(packed(entries), "is a link");
  refuse(packed({{"other/data_batch_1", "x"}}), "no folder cifar-10-batches-py");
  entries = small_cifar10();
  entries.erase(entries.begin() + 3);
  refuse(packed(entries), "does not hold CIFAR-10");
}

TEST_CASE_FIXTURE(Fetch, "an incomplete folder is not touched") {
  make_folder(data_dir + "/cifar-10-batches-py");
  write_file_atomically(data_dir + "/cifar-10-batches-py/data_batch_1", "mine");
  require_error(ErrorCode::state, {"cifar-10-batches-py", "Remove or rename"}, [&] { run(); });
  CHECK(read_file(data_dir + "/cifar-10-batches-py/data_batch_1") == "mine");
  CHECK(server.requests().empty());
  CHECK(names() == std::vector<std::string>{"cifar-10-batches-py"});
}

TEST_CASE_FIXTURE(Fetch, "an archive that was put there is taken and stays") {
  make_folder(data_dir);
  write_file_atomically(archive, content);
  const FetchResult result = run();
  CHECK(result.fetched);
  CHECK(result.downloaded_bytes == 0);
  CHECK(server.requests().empty());
  CHECK(names() == std::vector<std::string>{"cifar-10-batches-py", "cifar-10-python.tar.gz"});
}

TEST_CASE_FIXTURE(Fetch, "a wrong archive that was put there is left and said") {
  make_folder(data_dir);
  write_file_atomically(archive, "broken");
  std::string warning;
  set_log_sink([&](LogLevel level, const std::string& message) {
    if (level == LogLevel::warning) warning = message;
  });
  const FetchResult result = run();
  set_log_sink({});
  CHECK(warning.find(archive) != std::string::npos);
  CHECK(result.downloaded_bytes == static_cast<std::int64_t>(content.size()));
  CHECK(read_file(archive) == "broken");
}

TEST_CASE_FIXTURE(Fetch, "what a killed call left is cleared away") {
  const std::string left = data_dir + "/.cifar-10-batches-py.unpacking/cifar-10-batches-py";
  make_folder(left);
  write_file_atomically(left + "/data_batch_1", "half");
  run();
  expect_complete();
}

TEST_CASE_FIXTURE(Fetch, "two calls at once are told apart") {
  make_folder(data_dir);
  const PartialFile other(part);
  require_error(ErrorCode::state, {part, "in use"}, [&] { run(); });
  CHECK(server.requests().empty());
}

TEST_CASE("wishes that can not be fulfilled are refused before anything is done") {
  const TemporaryFolder folder;
  const std::string data_dir = folder.file("data");
  const auto refuse = [&](const std::string& name, const FetchSettings& settings, const std::string& part) {
    require_error(ErrorCode::invalid_argument, {part}, [&] { fetch_dataset(name, data_dir, settings, {}); });
  };
  refuse("cifar01", {}, "Did you mean 'cifar10'?");
  refuse("cifar10", {"ftp://host/file", ""}, "http:// or https://");
  refuse("cifar10", {"http://host/file", "abc"}, "64 hexadecimal digits");
  refuse("cifar10", {"http://host/file", std::string(64, 'g')}, "64 hexadecimal digits");
  refuse("cifar10", {"", std::string(64, 'a')}, "url");
  CHECK_FALSE(fs::exists(data_dir));
}
