#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;

TEST_CASE("a trained network is exported and the gates are outputs on demand") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--epochs", "1", "--out", "run"}));
  const std::string weights = "run/best.safetensors";
  CHECK(require_success(folder.path(), {"export", "--weights", weights, "--onnx", "plain.onnx"}).empty());
  require_success(folder.path(), {"export", "--onnx", "gates.onnx", "--gates", "--fixed_size", "16"},
                  {{"DEEPMOE_WEIGHTS", weights}});
  const std::string plain = read_file(folder / "plain.onnx"), gates = read_file(folder / "gates.onnx");
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  for (const char* part : {"logits", "normalization", "0.25", "height", "conv1.weight"}) {
    CAPTURE(part);
    CHECK(has(plain, part));
  }
  CHECK_FALSE(has(plain, "embedding_logits"));
  CHECK(has(gates, "embedding_logits"));
}

TEST_CASE("what cannot be exported is refused and leaves the old file") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--epochs", "1", "--out", "run", "--model", "resnet18"}));
  const auto refuse = [&](const std::vector<std::string>& more, int status, const std::string& text) {
    std::vector<std::string> arguments = {"export", "--weights", "run/best.safetensors"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    require_refusal(run(folder.path(), arguments), status, text);
  };
  require_refusal(run(folder.path(), {"export", "--onnx", "x.onnx"}), 2, "--weights is missing");
  refuse({}, 2, "--onnx is missing");
  refuse({"--onnx", "x.onnx", "--fixed_size", "0"}, 2, "fixed_size");
  refuse({"--onnx", "x.onnx", "--gates"}, 1, "dense");
  refuse({"--onnx", "absent/x.onnx"}, 1, "absent");
  refuse({"--onnx", "/dev/full"}, 1, "/dev/full");
  require_refusal(run(folder.path(), {"export", "--weights", "none.safetensors", "--onnx", "x.onnx"}), 1,
                  "none.safetensors");
  CHECK_FALSE(std::filesystem::exists(folder / "x.onnx"));
  write_file(folder / "x.onnx", "old");
  refuse({"--onnx", "x.onnx", "--width", "0.5"}, 1, "width");
  CHECK(read_file(folder / "x.onnx") == "old");
}
