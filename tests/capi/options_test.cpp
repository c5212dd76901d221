#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/temporary_folder.hpp"
#include "capi/owned.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;

namespace {

std::string value(dmoe_options* options, const char* name) {
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) { return dmoe_options_get(options, name, text.out(), error); });
  return take(text);
}

}  // namespace

TEST_CASE_FIXTURE(NoLeaks, "options are set from text and read back as text") {
  Owned<dmoe_options> options = options_with("{}");
  CHECK(dmoe_options_set(options, "epochs", "7", nullptr) == DMOE_OK);
  CHECK(value(options, "epochs") == "7");
  check_fails(DMOE_ERROR_NOT_FOUND, "epochs", [&](dmoe_error** error) {
    return dmoe_options_set(options, "epoch", "7", error);  // suggests the nearest name
  });
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "epochs",
              [&](dmoe_error** error) { return dmoe_options_set(options, "epochs", "many", error); });
  CHECK(value(options, "epochs") == "7");
  Owned<dmoe_string> text;
  check_fails(DMOE_ERROR_NOT_FOUND, "no_such_option", [&](dmoe_error** error) {
    return dmoe_options_get(options, "no_such_option", text.out(), error);
  });
  CHECK(static_cast<dmoe_string*>(text) == nullptr);
}

TEST_CASE_FIXTURE(NoLeaks, "a JSON object sets all its members or none") {
  Owned<dmoe_options> options = options_with("{\"epochs\": 3, \"lr\": 0.25}");
  CHECK(value(options, "epochs") == "3");
  CHECK(value(options, "lr") == "0.25");
  check_fails(DMOE_ERROR_NOT_FOUND, "nonsense", [&](dmoe_error** error) {
    return dmoe_options_set_json(options, "{\"epochs\": 9, \"nonsense\": 1}", error);
  });
  CHECK(value(options, "epochs") == "3");
  for (const char* wrong : {"", "{", "[1]", "3", "{\"epochs\": 1} x", "\xff"}) {
    check_fails(DMOE_ERROR_FORMAT, "JSON",
                [&](dmoe_error** error) { return dmoe_options_set_json(options, wrong, error); });
  }
}

TEST_CASE_FIXTURE(NoLeaks, "a copy changes on its own") {
  Owned<dmoe_options> options = options_with("{\"epochs\": 3}");
  Owned<dmoe_options> copy;
  REQUIRE(dmoe_options_copy(options, copy.out(), nullptr) == DMOE_OK);
  REQUIRE(dmoe_options_set(copy, "epochs", "4", nullptr) == DMOE_OK);
  CHECK(value(options, "epochs") == "3");
  options.reset();
  CHECK(value(copy, "epochs") == "4");
}

TEST_CASE_FIXTURE(NoLeaks, "precedence is file then environment then set whatever the order") {
  const TemporaryFolder folder;
  std::ofstream(folder.file("config.json")) << R"({"epochs": 3, "batch_size": 8, "lr": 0.5})";
  Owned<dmoe_options> options = options_with("{\"epochs\": 5}");
  ::setenv("DEEPMOE_EPOCHS", "4", 1);
  ::setenv("DEEPMOE_BATCH_SIZE", "16", 1);
  check_succeeds([&](dmoe_error** error) { return dmoe_options_read_environment(options, error); });
  ::unsetenv("DEEPMOE_EPOCHS");
  ::unsetenv("DEEPMOE_BATCH_SIZE");
  check_succeeds([&](dmoe_error** error) {
    return dmoe_options_load_file(options, folder.file("config.json").c_str(), error);
  });
  CHECK(value(options, "epochs") == "5");
  CHECK(value(options, "batch_size") == "16");
  CHECK(value(options, "lr") == "0.5");
  check_fails(DMOE_ERROR_NOT_FOUND, "absent.json", [&](dmoe_error** error) {
    return dmoe_options_load_file(options, folder.file("absent.json").c_str(), error);
  });
}

TEST_CASE_FIXTURE(NoLeaks, "resolved options set a second object alike") {
  Owned<dmoe_options> options = options_with("{\"epochs\": 3, \"recipe\": \"paper\"}");
  Owned<dmoe_string> json;
  check_succeeds([&](dmoe_error** error) { return dmoe_options_to_json(options, json.out(), error); });
  Owned<dmoe_options> again = options_with(dmoe_string_data(json));
  Owned<dmoe_string> second;
  check_succeeds([&](dmoe_error** error) { return dmoe_options_to_json(again, second.out(), error); });
  CHECK(take(second) == take(json));
}

TEST_CASE_FIXTURE(NoLeaks, "the schema lists every option") {
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) { return dmoe_options_schema(text.out(), error); });
  CHECK(static_cast<size_t>(dmoe_string_size(text)) == std::string(dmoe_string_data(text)).size());
  const nlohmann::json schema = nlohmann::json::parse(take(text));
  Owned<dmoe_options> options = options_with("{}");
  CHECK(schema.at("options").size() > 40);
  for (const nlohmann::json& option : schema.at("options")) {
    value(options, option.at("name").get<std::string>().c_str());
    CHECK_FALSE(option.at("help").get<std::string>().empty());
  }
}
