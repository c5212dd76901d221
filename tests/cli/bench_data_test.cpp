#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using nlohmann::json;

TEST_CASE("bench data says how many images a second the loader gives") {
  const TemporaryFolder folder;
  const json result = json::parse(require_success(
      folder.path(),
      {"bench", "data", "--synthetic_train_size", "50", "--image_size", "24", "--batch_size", "16",
       "--num_workers", "1", "--passes", "2", "--random_resized_crop", "true", "--json"}));
  CHECK(result.at("dataset") == "synthetic");
  CHECK(result.at("images") == 50);
  CHECK(result.at("image_size") == 24);
  CHECK(result.at("batch_size") == 16);
  CHECK(result.at("workers") == 1);
  CHECK(result.at("passes") == 2);
  CHECK(result.at("images_per_second_min").get<double>() > 0);
  CHECK(result.at("images_per_second") >= result.at("images_per_second_min"));
  CHECK(result.at("images_per_second") <= result.at("images_per_second_max"));
  CHECK(require_success(folder.path(), {"bench", "data", "--synthetic_train_size", "20", "--passes", "1"})
            .find("images_per_second") != std::string::npos);
}

TEST_CASE("bench data refuses data that are not there") {
  require_refusal(run({"bench", "data", "--dataset", "folder", "--data_dir", "absent"}), 1, "absent");
  require_refusal(run({"bench", "data", "--passes", "0"}), 2, "passes");
}
