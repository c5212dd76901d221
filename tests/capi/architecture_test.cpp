#include <nlohmann/json.hpp>

#include "capi/owned.hpp"

using namespace deepmoe::capi_test;
using nlohmann::json;

namespace {

template <class Function>
std::string text_of(Function function, dmoe_options* options) {
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) { return function(options, text.out(), error); });
  return take(text);
}

}  // namespace

TEST_CASE_FIXTURE(NoLeaks, "every named architecture can be described") {
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) { return dmoe_architecture_names(text.out(), error); });
  const json names = json::parse(take(text));
  CHECK(names.size() >= 20);
  for (const json& name : names) {
    Owned<dmoe_options> options = options_with(json{{"model", name}, {"width", 0.125}}.dump());
    const json architecture = json::parse(text_of(&dmoe_architecture_json, options));
    CHECK(architecture.at("nodes").size() > 5);
    CHECK(architecture.at("outputs").contains("logits"));
  }
}

TEST_CASE_FIXTURE(NoLeaks, "unset sizes count as 224 pixels and 1000 classes") {
  Owned<dmoe_options> open = options_with(R"({"model": "resnet18"})");
  Owned<dmoe_options> told = options_with(R"({"model": "resnet18", "image_size": 224, "num_classes": 1000})");
  CHECK(text_of(&dmoe_architecture_json, open) == text_of(&dmoe_architecture_json, told));
  // torchvision's count.
  const json description = json::parse(text_of(&dmoe_architecture_describe, open));
  CHECK(description.dump().find("11689512") != std::string::npos);
  CHECK(text_of(&dmoe_architecture_text, open).find("conv1") != std::string::npos);
}

TEST_CASE_FIXTURE(NoLeaks, "describing an architecture leaves the options as they were") {
  Owned<dmoe_options> options = options_with("{}");
  text_of(&dmoe_architecture_text, options);
  Owned<dmoe_string> value;
  REQUIRE(dmoe_options_get(options, "num_classes", value.out(), nullptr) == DMOE_OK);
  CHECK(take(value) == "0");
}

TEST_CASE_FIXTURE(NoLeaks, "a misspelt model is an error that suggests the right one") {
  Owned<dmoe_options> options = options_with("{}");
  Owned<dmoe_string> text;
  check_fails(DMOE_ERROR_NOT_FOUND, "resnet18_moe", [&](dmoe_error** error) {
    const int32_t status = dmoe_options_set(options, "model", "resnet18_mow", error);
    return status != DMOE_OK ? status : dmoe_architecture_json(options, text.out(), error);
  });
}
