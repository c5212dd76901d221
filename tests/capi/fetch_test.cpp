// dmoe_fetch_dataset: its settings, events and answers. How it downloads and unpacks is tested in tests/data.

#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>

#include "base/temporary_folder.hpp"
#include "capi/owned.hpp"
#include "data/archives.hpp"
#include "data/http_server.hpp"
#include "deepmoe.hpp"

using namespace deepmoe::capi_test;
using deepmoe::HttpServer;
using deepmoe::TemporaryFolder;
using nlohmann::json;

namespace {

struct Served : NoLeaks {
  const std::string content = deepmoe::packed(deepmoe::small_cifar10());
  const HttpServer server{content};
  const std::string settings = json{{"url", server.url()}, {"sha256", deepmoe::sha256(content)}}.dump();
  const TemporaryFolder folder;
  const std::string data_dir = folder.file("data");
};

}  // namespace

TEST_CASE_FIXTURE(Served, "a data set is fetched once and then opens") {
  std::set<std::string> stages;
  std::int64_t last_total = 0;
  const auto callback = [&](std::int32_t event, const char* details) {
    CHECK(event == DMOE_EVENT_FETCH);
    const json progress = json::parse(details);
    stages.insert(progress.at("stage").get<std::string>());
    CHECK(progress.at("done").get<std::int64_t>() >= 0);
    if (!progress.at("total").is_null()) last_total = progress.at("total");
    return 0;
  };
  const json first = json::parse(dmoe::fetch_dataset("cifar10", data_dir, settings, callback));
  const auto bytes = static_cast<std::int64_t>(content.size());
  CHECK(first == json{{"dataset", "cifar10"},
                      {"data_dir", data_dir},
                      {"fetched", true},
                      {"train_size", 10},
                      {"test_size", 2},
                      {"downloaded_bytes", bytes},
                      {"resumed_bytes", 0}});
  CHECK(stages == std::set<std::string>{"download", "check", "unpack"});
  CHECK(last_total == bytes);
  const dmoe::Options options = {{"dataset", "cifar10"}, {"data_dir", data_dir.c_str()}};
  CHECK(dmoe::Dataset(options, "train").size() == 10);
  const json second = json::parse(dmoe::fetch_dataset("cifar10", data_dir));
  CHECK(second.at("fetched") == false);
  CHECK(second.at("train_size") == 10);
  CHECK(server.requests().size() == 1);
}

TEST_CASE_FIXTURE(Served, "the answer of a callback is the status and the part is kept") {
  Owned<dmoe_error> error;
  Owned<dmoe_string> report;
  const auto stop = [](int32_t, const char* details, void*) -> int32_t {
    return json::parse(details).at("stage") == "unpack" ? -77 : 0;
  };
  CHECK(dmoe_fetch_dataset("cifar10", data_dir.c_str(), settings.c_str(), stop, nullptr, report.out(),
                           error.out()) == -77);
  CHECK(dmoe_error_code(error) == -77);
  CHECK(report == nullptr);
  CHECK(std::filesystem::file_size(data_dir + "/cifar-10-python.tar.gz.part") == content.size());
  const auto thrown = [&] {
    dmoe::fetch_dataset("cifar10", data_dir, settings,
                        [](std::int32_t, const char*) -> std::int32_t { throw std::runtime_error("mine"); });
  };
  CHECK_THROWS_WITH_AS(thrown(), "mine", std::runtime_error);
  // Without an output, too.
  CHECK(dmoe_fetch_dataset("cifar10", data_dir.c_str(), settings.c_str(), nullptr, nullptr, nullptr,
                           nullptr) == DMOE_OK);
}

TEST_CASE_FIXTURE(Served, "wrong settings of a fetch are refused") {
  const auto refuse = [&](const char* dataset, const char* wishes, int32_t code, const std::string& part) {
    Owned<dmoe_error> error;
    CHECK(dmoe_fetch_dataset(dataset, data_dir.c_str(), wishes, nullptr, nullptr, nullptr, error.out()) ==
          code);
    const std::string message = dmoe_error_message(error);
    CAPTURE(message);
    CHECK(message.find(part) != std::string::npos);
  };
  refuse("cifar01", nullptr, DMOE_ERROR_INVALID_ARGUMENT, "Did you mean 'cifar10'?");
  refuse("cifar10", "[]", DMOE_ERROR_FORMAT, "settings_json");
  refuse("cifar10", R"({"uri": "http://host/x"})", DMOE_ERROR_NOT_FOUND, "Did you mean 'url'?");
  refuse("cifar10", R"({"url": 7})", DMOE_ERROR_INVALID_ARGUMENT, "'url'");
  refuse("cifar10", R"({"url": "file:///x"})", DMOE_ERROR_INVALID_ARGUMENT, "http");
  CHECK_FALSE(std::filesystem::exists(data_dir));
  const std::string elsewhere = json{{"url", server.url()}}.dump();
  refuse("cifar10", elsewhere.c_str(), DMOE_ERROR_FORMAT, "c58f30108f718f92721af3b95e74349a");
}
