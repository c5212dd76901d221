#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "data/archives.hpp"
#include "data/http_server.hpp"
#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using deepmoe::HttpServer;

namespace {

namespace fs = std::filesystem;

struct Served {
  const std::string content = deepmoe::packed(deepmoe::small_cifar10());
  HttpServer server{content};
  const TemporaryFolder folder;

  std::vector<std::string> arguments(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"fetch",      "cifar10",  "--url",
                                      server.url(), "--sha256", deepmoe::sha256(content)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Served, "a data set is fetched and trained on") {
  const Result result = run(folder.path(), arguments());
  INFO("errors: ", result.errors);
  REQUIRE(result.status == 0);
  CHECK(result.output == "cifar10 is in ./data: 10 images to train on, 2 to test with\n");
  CHECK(result.errors.find("downloading") != std::string::npos);
  CHECK(result.errors.find("unpacking") != std::string::npos);
  CHECK(require_success(folder.path(), arguments()) ==
        "cifar10 was already in ./data: 10 images to train on, 2 to test with\n");
  CHECK(server.requests().size() == 1);
  require_success(folder.path(), {"train", "--dataset", "cifar10", "--model", "resnet18_moe", "--width",
                                  "0.0625", "--epochs", "1", "--batch_size", "5", "--num_workers", "0"});
}

TEST_CASE_FIXTURE(Served, "a fetch tells its result as JSON") {
  const std::string output = require_success(folder.path(), arguments({"--json", "--data_dir", "elsewhere"}));
  const nlohmann::json result = nlohmann::json::parse(output);
  CHECK(result.at("fetched") == true);
  CHECK(result.at("data_dir") == "elsewhere");
  CHECK(fs::exists(folder / "elsewhere/cifar-10-batches-py/data_batch_1"));
}

TEST_CASE_FIXTURE(Served, "Ctrl-C keeps what came and the same command goes on from there") {
  const auto half = static_cast<std::int64_t>(content.size() / 2);
  server.answer_by(
      [&](const HttpServer::Request&) { return HttpServer::Answer{200, content, {}, -1, half}; });
  {
    Process process(folder.path(), arguments());
    REQUIRE(process.wait_for("downloading"));
    const fs::path part = folder / "data/cifar-10-python.tar.gz.part";
    const auto has_half = [&] { return fs::exists(part) && fs::file_size(part) == content.size() / 2; };
    for (int i = 0; i < 3000 && !has_half(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    REQUIRE(has_half());
    process.send(SIGINT);
    const Result result = process.finish();
    CHECK(result.status == 130);
    CHECK(result.errors.find("goes on from there") != std::string::npos);
  }
  CHECK_FALSE(fs::exists(folder / "data/cifar-10-batches-py"));
  server.answer_by([&](const HttpServer::Request& request) { return HttpServer::file(content, request); });
  const nlohmann::json result = nlohmann::json::parse(require_success(folder.path(), arguments({"--json"})));
  CHECK(result.at("resumed_bytes") == half);
  CHECK(server.requests().back().range_start == half);
}

TEST_CASE_FIXTURE(Served, "a fetch that fails says why in one line") {
  require_refusal(run(folder.path(), {"fetch"}), 2, "cifar10 or cifar100");
  require_refusal(run(folder.path(), {"fetch", "mnist"}), 2, "mnist");
  require_refusal(run(folder.path(), {"fetch", "cifar10", "--sha256", std::string(64, 'a')}), 2, "--url");
  const auto refuse = [&](const std::string& text) {
    // Progress may stand before the line that counts.
    const Result result = run(folder.path(), arguments());
    INFO("errors: ", result.errors);
    CHECK(result.status == 1);
    CHECK(result.output.empty());
    const std::size_t line = result.errors.find("deepmoe: error: ");
    REQUIRE(line != std::string::npos);
    CHECK(result.errors.find(text, line) != std::string::npos);
    CHECK(result.errors.find('\n', line) == result.errors.size() - 1);
    CHECK_FALSE(fs::exists(folder / "data/cifar-10-batches-py"));
  };
  server.answer_by([](const HttpServer::Request&) { return HttpServer::Answer{404, ""}; });
  refuse("HTTP status 404");
  server.answer_by([](const HttpServer::Request&) { return HttpServer::Answer{200, "<html>"}; });
  refuse("SHA-256");
  const Result nowhere = run(folder.path(), {"fetch", "cifar100", "--url", deepmoe::unserved_url()});
  CHECK(nowhere.status == 1);
  CHECK(nowhere.errors.find("Check the network") != std::string::npos);
}
