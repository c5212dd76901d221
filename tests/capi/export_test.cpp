// dmoe_model_export_onnx: its settings and its errors. What the file holds is tested in tests/export.

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "base/temporary_folder.hpp"
#include "capi/small_network.hpp"
#include "deepmoe.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;

TEST_CASE_FIXTURE(NoLeaks, "a model is exported and its settings are checked") {
  const TemporaryFolder folder;
  const Owned<dmoe_model> model = small_model();
  const std::string path = folder.file("x.onnx");
  const auto refuse = [&](const char* settings, int32_t code, const std::string& part) {
    Owned<dmoe_error> error;
    CHECK(dmoe_model_export_onnx(model, path.c_str(), settings, error.out()) == code);
    const std::string message = dmoe_error_message(error);
    CAPTURE(message);
    CHECK(message.find(part) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(path));
  };
  refuse("{", DMOE_ERROR_FORMAT, "settings_json");
  refuse(R"({"gate": true})", DMOE_ERROR_NOT_FOUND, "Did you mean 'gates'?");
  refuse(R"({"gates": 1})", DMOE_ERROR_INVALID_ARGUMENT, "true or false");
  refuse(R"({"image_size": -1})", DMOE_ERROR_INVALID_ARGUMENT, "whole number");
  refuse(R"({"image_size": 1.5})", DMOE_ERROR_INVALID_ARGUMENT, "whole number");
  CHECK(dmoe_model_export_onnx(model, path.c_str(), nullptr, nullptr) == DMOE_OK);
  const auto plain = std::filesystem::file_size(path);
  CHECK(plain > 1000);
  CHECK(dmoe_model_export_onnx(model, path.c_str(), R"({"gates": true, "image_size": 16})", nullptr) ==
        DMOE_OK);
  CHECK(std::filesystem::file_size(path) > plain);
}
