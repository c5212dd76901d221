#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "deepmoe_runtime.h"
#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using nlohmann::json;

namespace {

/// Sends the first experts of every layer to sleep in a weights file.
void silence(const std::string& from, const std::string& to) {
  dmoe_tensors *tensors = nullptr, *changed = nullptr;
  REQUIRE(dmoe_tensors_load(from.c_str(), &tensors, nullptr) == DMOE_OK);
  REQUIRE(dmoe_tensors_create(&changed, nullptr) == DMOE_OK);
  for (int64_t i = 0; i < dmoe_tensors_count(tensors); ++i) {
    const std::string name = dmoe_tensors_name(tensors, i);
    if (name.find("num_batches_tracked") != std::string::npos) continue;
    int64_t shape[8], rank = 0, elements = 0;
    REQUIRE(dmoe_tensors_shape(tensors, name.c_str(), shape, 8, &rank, nullptr) == DMOE_OK);
    dmoe_tensors_read_f32(tensors, name.c_str(), nullptr, 0, &elements, nullptr);
    std::vector<float> values(static_cast<std::size_t>(elements));
    REQUIRE(dmoe_tensors_read_f32(tensors, name.c_str(), values.data(), elements, nullptr, nullptr) ==
            DMOE_OK);
    if (name.find(".fc.bias") != std::string::npos) std::fill_n(values.begin(), 3, -99.0F);
    REQUIRE(dmoe_tensors_add_f32(changed, name.c_str(), values.data(), shape, rank, nullptr) == DMOE_OK);
  }
  dmoe_string* metadata = nullptr;
  REQUIRE(dmoe_tensors_metadata(tensors, &metadata, nullptr) == DMOE_OK);
  REQUIRE(dmoe_tensors_save(changed, to.c_str(), dmoe_string_data(metadata), nullptr) == DMOE_OK);
  dmoe_string_release(metadata);
  dmoe_tensors_release(tensors);
  dmoe_tensors_release(changed);
}

/// A folder with a trained network, sleepy.safetensors.
struct Trained {
  Trained() {
    require_success(folder.path(), small_training({"--out", "run", "--gate_position", "pre_bn"}));
    silence(folder / "run/last.safetensors", folder / "sleepy.safetensors");
  }
  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("compact writes a smaller network that every command takes") {
  const Trained trained;
  const std::filesystem::path& folder = trained.folder.path();
  const json report = json::parse(
      require_success(folder, on_small_images({"compact", "--json", "--weights", "sleepy.safetensors",
                                               "--out", "small.safetensors"})));
  CHECK(report.at("out") == "small.safetensors");
  CHECK(report.at("split") == "test");
  CHECK(report.at("samples") == 48);
  CHECK(report.at("after").at("parameters") < report.at("before").at("parameters"));
  CHECK(report.at("after").at("dense_macs") < report.at("before").at("dense_macs"));
  CHECK(report.at("after").at("accuracy") == report.at("before").at("accuracy"));

  const json evaluated = json::parse(
      require_success(folder, on_small_images({"eval", "--json", "--weights", "small.safetensors"})));
  CHECK(evaluated.at("accuracy") == report.at("after").at("accuracy"));
  CHECK(evaluated.at("parameters") == report.at("after").at("parameters"));

  const json shown =
      json::parse(require_success(folder, {"info", "--json", "--weights", "small.safetensors"}));
  CHECK(shown.at("model") == "resnet18_moe_compacted");
  CHECK(shown.at("totals").at("all").at("parameters") == report.at("after").at("parameters"));
  CHECK(require_success(folder, {"info", "--weights", "small.safetensors"}).find("resnet18_moe_compacted") ==
        0);

  const json again = json::parse(
      require_success(folder, on_small_images({"compact", "--json", "--weights", "small.safetensors", "--out",
                                               "again.safetensors"})));
  CHECK(again.at("after").at("parameters") == report.at("after").at("parameters"));

  // Training goes on from it, the network being what the file says.
  require_success(folder, {"train", "--weights", "small.safetensors", "--epochs", "1", "--batch_size", "16",
                           "--synthetic_train_size", "32", "--synthetic_test_size", "16", "--threads", "1",
                           "--out", "more"});
  const json config = json::parse(read_file(folder / "more/config.json"));
  CHECK(config.at("model") == "resnet18_moe");
  CHECK(config.at("gate_position") == "pre_bn");
  const json trained_on =
      json::parse(require_success(folder, {"info", "--json", "--weights", "more/last.safetensors"}));
  CHECK(trained_on.at("totals") == shown.at("totals"));
}

TEST_CASE("compact prints what it kept and what that costs") {
  const Trained trained;
  const std::string text =
      require_success(trained.folder.path(),
                      on_small_images({"compact", "--weights", "sleepy.safetensors", "--out",
                                       "small.safetensors", "--classes", "1,3", "--min_utilisation", "0.5"}));
  for (const char* part :
       {"layer1.0.gate1", "residual stream", "silent", "parameters", "dense MACs", "active MACs", "accuracy",
        "before", "after", "classes 1,3", "fewer than 0.5", "written to small.safetensors"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("compact refuses what it cannot do before it starts") {
  const TemporaryFolder folder;
  write_file(folder.path() / "w.safetensors", "no weights");
  const auto refuses = [&](const std::vector<std::string>& more, int status, const char* part) {
    std::vector<std::string> arguments = {"compact", "--weights", "w.safetensors"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    require_refusal(run(folder.path(), arguments), status, part);
  };
  refuses({}, 2, "--out is missing");
  refuses({"--out", "w.safetensors"}, 2, "is the weights file itself");
  refuses({"--out", "no/such/x.safetensors"}, 2, "there is no folder");
  refuses({"--out", "x", "--min_utilisation", "1.5"}, 2, "--min_utilisation is '1.5'");
  refuses({"--out", "x", "--min_utilisation", "nan"}, 2, "from 0 to 1");
  refuses({"--out", "x", "--min_utilisation", "much"}, 2, "from 0 to 1");
  refuses({"--out", "x", "--classes", "1,,2"}, 2, "without a name");
  refuses({"--out", "x"}, 1, "w.safetensors");
  require_refusal(run({"compact", "--out", "x"}), 2, "--weights is missing");
}

TEST_CASE("compact says why a dense network or an unknown class is refused") {
  const TemporaryFolder folder;
  require_success(folder.path(), small_training({"--out", "dense", "--model", "resnet18", "--epochs", "1"}));
  require_refusal(
      run(folder.path(), on_small_images({"compact", "--weights", "dense/last.safetensors", "--out", "x"})),
      1, "is dense");
  require_success(folder.path(), small_training({"--out", "gated", "--epochs", "1"}));
  require_refusal(run(folder.path(), on_small_images({"compact", "--weights", "gated/last.safetensors",
                                                      "--out", "x", "--classes", "100"})),
                  1, "no class 100");
  CHECK_FALSE(std::filesystem::exists(folder / "x"));
}
