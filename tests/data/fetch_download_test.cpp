#include "data/fetch_download.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "data/http_server.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;
using Answer = HttpServer::Answer;
using Request = HttpServer::Request;

namespace {

std::string some_content() {
  std::string content;
  for (int i = 0; i < 20000; ++i) content += std::to_string(i) + ",";
  return content;
}

struct Download {
  TemporaryFolder folder;
  std::string path = folder.file("x.part");
  const std::string content = some_content();
  const std::int64_t size = static_cast<std::int64_t>(content.size()), half = size / 2;

  void run(const std::string& url, std::int64_t most_bytes = 1 << 30,
           const std::function<bool(std::int64_t, std::int64_t)>& progress = {}) const {
    PartialFile part(path);
    download({url, folder.file("x"), most_bytes, std::chrono::milliseconds(1)}, part, progress);
  }
  void expect_whole() const { CHECK(read_file(path) == content); }
  void expect_half() const { CHECK(read_file(path) == content.substr(0, static_cast<std::size_t>(half))); }
};

}  // namespace

TEST_CASE_FIXTURE(Download, "a file is downloaded with progress to its end") {
  const HttpServer server([&](const Request& request) { return HttpServer::file(content, request); });
  std::int64_t last_done = 0, last_total = 0;
  run(server.url(), 1 << 30, [&](std::int64_t done, std::int64_t total) {
    CHECK(done >= last_done);
    last_done = done;
    last_total = total;
    return true;
  });
  expect_whole();
  CHECK(last_done == size);
  CHECK(last_total == size);
  CHECK(server.requests().size() == 1);
}

TEST_CASE_FIXTURE(Download, "a broken connection is made again from where it broke") {
  int count = 0;
  const HttpServer server([&](const Request& request) {
    Answer answer = HttpServer::file(content, request);
    if (count++ < 6) answer.break_after = size / 10;
    return answer;
  });
  run(server.url());
  expect_whole();
  const std::vector<Request> requests = server.requests();
  REQUIRE(requests.size() == 7);
  CHECK(requests[0].range_start == -1);
  for (int i = 1; i < 7; ++i) CHECK(requests[static_cast<std::size_t>(i)].range_start == i * (size / 10));
}

TEST_CASE_FIXTURE(Download, "a server that stays broken is given up and what came is kept") {
  int count = 0;
  const HttpServer server(
      [&](const Request&) { return count++ == 0 ? Answer{200, content, {}, half} : Answer{503, "busy"}; });
  require_error(ErrorCode::io, {server.url(), "503", folder.file("x"), "kept"}, [&] { run(server.url()); });
  CHECK(server.requests().size() == 4);
  expect_half();
}

TEST_CASE_FIXTURE(Download, "a later download goes on from the end") {
  write_file_atomically(path, content.substr(0, static_cast<std::size_t>(half)));
  const HttpServer server([&](const Request& request) { return HttpServer::file(content, request); });
  run(server.url());
  expect_whole();
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].range_start == half);
  // And when nothing is missing, it asks once and takes what is there.
  run(server.url());
  expect_whole();
  CHECK(server.requests().size() == 2);
}

TEST_CASE_FIXTURE(Download, "a server without ranges sends everything anew") {
  write_file_atomically(path, "some other beginning");
  const HttpServer server([&](const Request&) { return Answer{200, content}; });
  run(server.url());
  expect_whole();
}

TEST_CASE_FIXTURE(Download, "a file that is not there is asked for once") {
  const HttpServer server([](const Request&) { return Answer{404, "nothing here"}; });
  require_error(ErrorCode::not_found, {server.url(), "404", "url"}, [&] { run(server.url()); });
  CHECK(server.requests().size() == 1);
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE_FIXTURE(Download, "an answer that is no file is refused") {
  const HttpServer server([](const Request&) { return Answer{203, "changed on the way"}; });
  require_error(ErrorCode::io, {server.url(), "203"}, [&] { run(server.url()); });
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE_FIXTURE(Download, "redirections are followed but not to files of this machine") {
  const HttpServer server([&](const Request& request) {
    if (request.path == "/new") return HttpServer::file(content, request);
    return Answer{302, "", {request.path == "/old" ? "Location: /new" : "Location: file:///etc/hostname"}};
  });
  run(server.url("/old"));
  expect_whole();
  std::filesystem::remove(path);
  require_error(ErrorCode::io, {server.url("/local"), "another address"}, [&] { run(server.url("/local")); });
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE_FIXTURE(Download, "a file larger than allowed is refused") {
  const HttpServer server([&](const Request& request) { return HttpServer::file(content, request); });
  run(server.url(), size);
  expect_whole();
  std::filesystem::remove(path);
  require_error(ErrorCode::format, {server.url(), "more than"}, [&] { run(server.url(), size - 1); });
}

TEST_CASE_FIXTURE(Download, "a stop keeps what came even while nothing flows") {
  const HttpServer server([&](const Request&) { return Answer{200, content, {}, -1, half}; });
  require_error(ErrorCode::cancelled, {path, "goes on from there"}, [&] {
    run(server.url(), 1 << 30, [&](std::int64_t done, std::int64_t) { return done < half; });
  });
  expect_half();
}

TEST_CASE_FIXTURE(Download, "a stop is heard between two attempts") {
  const HttpServer server([](const Request&) { return Answer{503, ""}; });
  PartialFile part(path);
  require_error(ErrorCode::cancelled, {path}, [&] {
    download({server.url(), path, 1 << 30, std::chrono::hours(1)}, part,
             [&](std::int64_t, std::int64_t) { return server.requests().empty(); });
  });
}

TEST_CASE_FIXTURE(Download, "no server and no proxy are told apart") {
  const std::string url = unserved_url();
  require_error(ErrorCode::io, {url, "Check the network"}, [&] { run(url); });
  require_error(ErrorCode::io, {"nowhere.invalid", "Check the network"},
                [&] { run("http://nowhere.invalid/x"); });
  setenv("http_proxy", unserved_url().c_str(), 1);
  setenv("no_proxy", "", 1);
  require_error(ErrorCode::io, {"the environment variable http_proxy names"}, [&] { run(url); });
  unsetenv("http_proxy");
}

TEST_CASE_FIXTURE(Download, "a full disk keeps what was written and says what to do") {
  const HttpServer server([&](const Request& request) { return HttpServer::file(content, request); });
  // A limit on the size of files is refused as a full disk is.
  rlimit usual = {};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &usual) == 0);
  rlimit small = usual;
  small.rlim_cur = static_cast<rlim_t>(half);
  const auto previous = signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string message;
  try {
    run(server.url());
  } catch (const Error& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &usual);
  signal(SIGXFSZ, previous);
  CAPTURE(message);
  CHECK(message.find(path) != std::string::npos);
  CHECK(message.find("Free some space") != std::string::npos);
  expect_half();
  run(server.url());
  expect_whole();
}
