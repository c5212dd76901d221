// include/deepmoe.hpp over libdeepmoe_runtime alone.

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/temporary_folder.hpp"
#include "capi/owned.hpp"
#include "deepmoe.hpp"

using deepmoe::TemporaryFolder;
using deepmoe::capi_test::NoLeaks;

static_assert(!std::is_copy_constructible_v<dmoe::Options> &&
              std::is_nothrow_move_constructible_v<dmoe::Options>);
static_assert(!std::is_copy_assignable_v<dmoe::Tensors> && std::is_nothrow_move_assignable_v<dmoe::Tensors>);

TEST_CASE_FIXTURE(NoLeaks, "a failed call of the wrapper throws its code and message") {
  dmoe::Options options;
  try {
    options.set("epoch", "3");
    FAIL("nothing was thrown");
  } catch (const dmoe::Error& error) {
    CHECK(error.code() == DMOE_ERROR_NOT_FOUND);
    CHECK(std::string(error.what()).find("epochs") != std::string::npos);
  }
  CHECK_THROWS_AS(dmoe::Tensors::load("/no/such/file"), dmoe::Error);
  CHECK_THROWS_AS(dmoe::Options().load_file("/no/such/file"), dmoe::Error);
}

TEST_CASE_FIXTURE(NoLeaks, "wrapped options take text and numbers and booleans") {
  dmoe::Options options = {{"model", "resnet18_moe"}, {"epochs", "2"}};
  options.set("batch_size", 32).set("lr", 0.1).set("nesterov", false).set("width", 0.125F).set("out", "run");
  CHECK(options.get("model") == "resnet18_moe");
  CHECK(options.get("batch_size") == "32");
  CHECK(std::stod(options.get("lr")) == 0.1);
  CHECK(options.get("nesterov") == "false");
  CHECK(options.get("width") == "0.125");
  dmoe::Options copy = options.copy();
  copy.set_json("{\"epochs\": 9}").read_environment();
  CHECK(options.get("epochs") == "2");
  CHECK(copy.get("epochs") == "9");
  dmoe::Options moved = std::move(copy);
  CHECK(moved.get("epochs") == "9");
  copy = std::move(moved);
  CHECK(copy.get("epochs") == "9");
  CHECK(options.to_json().front() == '{');
  CHECK(dmoe::Options::schema().find("\"batch_size\"") != std::string::npos);
}

TEST_CASE_FIXTURE(NoLeaks, "wrapped architectures are described") {
  const dmoe::Options options = {{"model", "resnet18"}};
  CHECK(dmoe::architecture_names().find("resnet18_moe") != std::string::npos);
  CHECK(dmoe::architecture_json(options).find("\"nodes\"") != std::string::npos);
  CHECK(dmoe::architecture_describe(options).find("11689512") != std::string::npos);
  CHECK(dmoe::architecture_text(options).find("conv1") != std::string::npos);
}

TEST_CASE_FIXTURE(NoLeaks, "wrapped tensors go to a file and back") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  dmoe::Tensors tensors;
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  tensors.add("a", values, std::vector<std::int64_t>{2, 3});
  tensors.add("empty", std::vector<float>(), std::vector<std::int64_t>{0, 3});
  CHECK_THROWS_AS(tensors.add("b", values, std::vector<std::int64_t>{7}), dmoe::Error);
  tensors.save(path, "{\"about\": \"a test\"}");
  const dmoe::Tensors file = dmoe::Tensors::load(path);
  CHECK(file.size() == 2);
  CHECK(file.metadata() == "{\"about\":\"a test\"}");
  CHECK(file.shape("a") == std::vector<std::int64_t>{2, 3});
  CHECK(file.read("a") == values);
  CHECK(file.read("empty").empty());
  CHECK(file.names().size() == 2);
  CHECK_THROWS_AS(file.read("c"), dmoe::Error);
  dmoe::Tensors shared;
  shared.add("a", tensors.get("a"));  // takes the tensor over, so it is freed with `shared`
  CHECK(shared.read("a") == values);
}

TEST_CASE_FIXTURE(NoLeaks, "wrapped facts of the library are those of the C functions") {
  CHECK(dmoe::version() == dmoe_version());
  CHECK(dmoe::abi_version() == DMOE_ABI_VERSION);
  CHECK(dmoe::status_name(DMOE_ERROR_STATE) == "state");
  const dmoe::Options options;
  CHECK(dmoe::live_objects(DMOE_KIND_OPTIONS) == 1);
  CHECK(dmoe::live_objects() == 1);
  dmoe::set_log_callback([](std::int32_t, const char*) {});
  dmoe::set_log_callback({});
}
