#include <cstring>
#include <set>
#include <string>
#include <thread>

#include "capi/owned.hpp"

using namespace deepmoe::capi_test;

TEST_CASE("every status has a name of its own") {
  std::set<std::string> names;
  for (int32_t status = DMOE_OK; status <= DMOE_ERROR_INTERNAL; ++status)
    names.insert(dmoe_status_name(status));
  CHECK(names.size() == DMOE_ERROR_INTERNAL + 1);
  CHECK(names.count("callback") == 0);
  CHECK(std::string(dmoe_status_name(DMOE_ERROR_INVALID_ARGUMENT)) == "invalid_argument");
  for (const int32_t answer : {-7, 11, 1000}) CHECK(std::string(dmoe_status_name(answer)) == "callback");
}

TEST_CASE("versions are those of the headers and of the project") {
  CHECK(dmoe_abi_version() == DMOE_ABI_VERSION);
  CHECK(std::string(dmoe_version()) == DEEPMOE_PROJECT_VERSION);
}

TEST_CASE_FIXTURE(NoLeaks, "an error holds code and message until it is released") {
  dmoe_error* error = nullptr;
  CHECK(dmoe_options_create(nullptr, &error) == DMOE_ERROR_INVALID_ARGUMENT);
  REQUIRE(error != nullptr);
  CHECK(dmoe_live_objects(DMOE_KIND_ERROR) == 1);
  // A later failure elsewhere does not touch it.
  CHECK(dmoe_tensors_create(nullptr, nullptr) == DMOE_ERROR_INVALID_ARGUMENT);
  CHECK(dmoe_error_code(error) == DMOE_ERROR_INVALID_ARGUMENT);
  CHECK(std::strstr(dmoe_error_message(error), "options must not be NULL") != nullptr);
  dmoe_error_release(error);
  CHECK(dmoe_live_objects(DMOE_KIND_ERROR) == 0);
}

TEST_CASE_FIXTURE(NoLeaks, "living objects are counted by kind") {
  Owned<dmoe_options> options = options_with("{}");
  Owned<dmoe_tensors> tensors;
  REQUIRE(dmoe_tensors_create(tensors.out(), nullptr) == DMOE_OK);
  Owned<dmoe_string> text;
  REQUIRE(dmoe_options_get(options, "epochs", text.out(), nullptr) == DMOE_OK);
  CHECK(dmoe_live_objects(DMOE_KIND_OPTIONS) == 1);
  CHECK(dmoe_live_objects(DMOE_KIND_TENSORS) == 1);
  CHECK(dmoe_live_objects(DMOE_KIND_STRING) == 1);
  CHECK(dmoe_live_objects(DMOE_KIND_ERROR) == 0);
  CHECK(dmoe_live_objects(DMOE_KIND_ALL) == 3);
  CHECK(dmoe_live_objects(-1) == -1);
  CHECK(dmoe_live_objects(DMOE_KIND_PLUGIN + 1) == -1);
}

TEST_CASE_FIXTURE(NoLeaks, "objects may be released from another thread") {
  dmoe_options* options = nullptr;
  REQUIRE(dmoe_options_create(&options, nullptr) == DMOE_OK);
  std::thread([options] { dmoe_options_release(options); }).join();
  CHECK(dmoe_live_objects(DMOE_KIND_OPTIONS) == 0);
}
