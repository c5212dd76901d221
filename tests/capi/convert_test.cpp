// dmoe_convert_pytorch: its settings. What it reads and refuses is tested in tests/model.

#include <doctest/doctest.h>

#include <string>

#include "base/temporary_folder.hpp"
#include "capi/owned.hpp"
#include "deepmoe.hpp"
#include "source_folder.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;

TEST_CASE_FIXTURE(NoLeaks, "a file of PyTorch is converted and settings are checked") {
  const TemporaryFolder folder;
  const std::string input = source_folder() + "/tests/data/pytorch/state_dict.pth";
  const std::string output = folder.file("x.safetensors");
  dmoe::convert_pytorch(input, output);
  CHECK(dmoe::Tensors::load(output).read("1.bias") == std::vector<float>{30, 31});
  const auto refuse = [&](const char* settings, int32_t code, const std::string& part) {
    Owned<dmoe_error> error;
    CHECK(dmoe_convert_pytorch(input.c_str(), output.c_str(), nullptr, settings, error.out()) == code);
    const std::string message = dmoe_error_message(error);
    CAPTURE(message);
    CHECK(message.find(part) != std::string::npos);
  };
  const Owned<dmoe_options> with_plugin = options_with(R"({"plugin": "none.so"})");
  check_fails(DMOE_ERROR_NOT_FOUND, "none.so", [&](dmoe_error** error) {
    return dmoe_convert_pytorch(input.c_str(), output.c_str(), with_plugin, nullptr, error);
  });
  refuse("[]", DMOE_ERROR_FORMAT, "settings_json");
  refuse(R"({"means": [0, 0, 0]})", DMOE_ERROR_NOT_FOUND, "Did you mean 'mean'?");
  refuse(R"({"mean": [0, 0]})", DMOE_ERROR_INVALID_ARGUMENT, "three numbers");
  refuse(R"({"deviation": [1, 0, 1]})", DMOE_ERROR_INVALID_ARGUMENT, "three positive numbers");
  refuse(R"({"mean": [0, 0, 0]})", DMOE_ERROR_INVALID_ARGUMENT, "model");
}
