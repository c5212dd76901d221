#include <nlohmann/json.hpp>
#include <string>

#include "capi/owned.hpp"

using namespace deepmoe::capi_test;

TEST_CASE_FIXTURE(NoLeaks, "the diagnosis names versions and the CPU and says whether CUDA can be used") {
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) { return dmoe_diagnose(text.out(), error); });
  const nlohmann::json found = nlohmann::json::parse(take(text));
  CHECK(found.at("deepmoe") == dmoe_version());
  CHECK(found.at("abi") == DMOE_ABI_VERSION);
  CHECK_FALSE(found.at("compiler").get<std::string>().empty());
  CHECK_FALSE(found.at("cpu").at("model").get<std::string>().empty());
  CHECK(found.at("cpu").at("cores") > 0);
  CHECK(found.at("cpu").at("features").is_array());
  CHECK(found.at("libtorch").is_object());
  CHECK(found.at("libtorch").dump().find("cuda") != std::string::npos);
  for (const char* library : {"libjpeg-turbo", "libpng", "tbb", "nlohmann_json"}) {
    const std::string version = found.at("libraries").at(library);
    CHECK(version.find_first_of("0123456789") != std::string::npos);
  }
}
