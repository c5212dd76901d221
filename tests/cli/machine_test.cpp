#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using nlohmann::json;

TEST_CASE("the doctor shows versions and whether CUDA can be used and if not why") {
  const TemporaryFolder folder;
  const json found = json::parse(require_success(folder.path(), {"doctor", "--json"}));
  const std::string text = require_success(folder.path(), {"doctor"});
  const json& libtorch = found.at("libtorch");
  CHECK(text.find(libtorch.at("version").get<std::string>()) != std::string::npos);
  CHECK(text.find("libjpeg-turbo") != std::string::npos);
  const json& cuda = libtorch.at("cuda");
  const bool usable = cuda.at("usable");
  CHECK(text.find(usable ? "ok       CUDA" : "missing  CUDA") != std::string::npos);
  if (!usable) {
    const std::string reason = cuda.at("reason");
    CHECK_FALSE(reason.empty());
    CHECK(text.find(reason.substr(0, reason.find(' '))) != std::string::npos);
  }
}

TEST_CASE("CUDA that cannot be used is an error that says why") {
  const TemporaryFolder folder;
  const json found = json::parse(require_success(folder.path(), {"doctor", "--json"}));
  if (found.at("libtorch").at("cuda").at("usable").get<bool>()) {
    MESSAGE("SKIPPED: CUDA can be used here");
    return;
  }
  require_refusal(run(folder.path(), small_training({"--device", "cuda"})), 1, "'cuda' cannot be used");
}

TEST_CASE("the bench prints one line of JSON with what was measured") {
  const TemporaryFolder folder;
  const auto measure = [&](const std::string& batch_size) {
    return json::parse(require_success(
        folder.path(),
        {"bench", "train", "--model", "resnet18_moe", "--width", "0.125", "--variant", "imagenet",
         "--batch_size", batch_size, "--image_size", "32", "--steps", "3", "--warmup", "1", "--json"}));
  };
  const json result = measure("4");
  for (const char* key : {"model", "batch_size", "image_size", "threads", "optimizer", "step_ms",
                          "step_ms_min", "images_per_second", "device", "libtorch"}) {
    CAPTURE(key);
    CHECK(result.contains(key));
  }
  CHECK(result.at("batch_size") == 4);
  CHECK(result.at("variant") == "imagenet");
  CHECK(result.at("step_ms") >= result.at("step_ms_min"));
  CHECK(result.at("images_per_second").get<double>() ==
        doctest::Approx(4000 / result.at("step_ms").get<double>()));
#ifdef __linux__
  // The images alone of the larger batch are 25 MB.
  CHECK(measure("2048").at("memory_mb").get<double>() > result.at("memory_mb").get<double>() + 25);
  CHECK(result.at("memory_mb") > 0);
#endif
  CHECK(require_success(folder.path(), {"bench", "train", "--width", "0.125", "--batch_size", "2", "--steps",
                                        "1", "--warmup", "0"})
            .find("step_ms") != std::string::npos);
}
