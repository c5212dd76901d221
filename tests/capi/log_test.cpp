#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/temporary_folder.hpp"
#include "capi/small_network.hpp"
#include "deepmoe.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;
using nlohmann::json;

namespace {

/// A weights file with an option that no version knows: loading it logs one warning.
std::string file_that_warns(const TemporaryFolder& folder) {
  const std::string path = folder.file("future.safetensors");
  Owned<dmoe_model> model = small_model();
  REQUIRE(dmoe_model_save(model, path.c_str(), nullptr) == DMOE_OK);
  Owned<dmoe_tensors> tensors;
  REQUIRE(dmoe_tensors_load(path.c_str(), tensors.out(), nullptr) == DMOE_OK);
  Owned<dmoe_string> text;
  REQUIRE(dmoe_tensors_metadata(tensors, text.out(), nullptr) == DMOE_OK);
  json metadata = json::parse(take(text));
  json options = json::parse(metadata.at("options").get<std::string>());
  options["option_of_the_future"] = 1;
  metadata["options"] = options.dump();
  REQUIRE(dmoe_tensors_save(tensors, path.c_str(), metadata.dump().c_str(), nullptr) == DMOE_OK);
  return path;
}

void load(const std::string& path) {
  Owned<dmoe_model> model;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_model_load(path.c_str(), nullptr, model.out(), error); });
}

struct Received {
  std::vector<std::string> messages;
  int32_t level = -1;
  int32_t status_inside = -1;
};

int32_t receive(int32_t level, const char* message, void* user_data) {
  auto* self = static_cast<Received*>(user_data);
  self->messages.emplace_back(message);
  self->level = level;
  self->status_inside = dmoe_set_log_callback(nullptr, nullptr, nullptr);
  return 0;
}

}  // namespace

TEST_CASE_FIXTURE(NoLeaks, "log messages go to the host's callback until it is replaced") {
  const TemporaryFolder folder;
  const std::string path = file_that_warns(folder);
  Received first, second;
  REQUIRE(dmoe_set_log_callback(&receive, &first, nullptr) == DMOE_OK);
  load(path);
  REQUIRE(first.messages.size() == 1);
  CHECK(first.messages[0].find("option_of_the_future") != std::string::npos);
  CHECK(first.level == DMOE_LOG_WARNING);
  CHECK(first.status_inside == DMOE_ERROR_STATE);
  REQUIRE(dmoe_set_log_callback(&receive, &second, nullptr) == DMOE_OK);
  load(path);
  CHECK(first.messages.size() == 1);
  CHECK(second.messages.size() == 1);
  CHECK(dmoe_set_log_callback(nullptr, nullptr, nullptr) == DMOE_OK);
}

TEST_CASE_FIXTURE(NoLeaks, "a log callback of the wrapper may throw without harm") {
  const TemporaryFolder folder;
  const std::string path = file_that_warns(folder);
  int calls = 0;
  dmoe::set_log_callback([&](std::int32_t, const char*) {
    ++calls;
    throw 1;
  });
  load(path);
  dmoe::set_log_callback({});
  CHECK(calls == 1);
}
