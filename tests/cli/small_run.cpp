#include "small_run.hpp"

#include <doctest/doctest.h>

#include <sstream>

namespace deepmoe::cli_test {

std::vector<std::string> small_training(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"train",
                                        "--model",
                                        "resnet18_moe",
                                        "--width",
                                        "0.125",
                                        "--image_size",
                                        "16",
                                        "--epochs",
                                        "2",
                                        "--batch_size",
                                        "16",
                                        "--synthetic_train_size",
                                        "96",
                                        "--synthetic_test_size",
                                        "48",
                                        "--num_workers",
                                        "1",
                                        "--threads",
                                        "1",
                                        "--print_every",
                                        "2"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::vector<std::string> on_small_images(std::vector<std::string> first,
                                         const std::vector<std::string>& more) {
  const std::vector<std::string> images = {"--dataset", "synthetic", "--synthetic_test_size", "48",
                                           "--threads", "1",         "--num_workers",         "0"};
  first.insert(first.end(), images.begin(), images.end());
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

std::string require_success(const std::filesystem::path& folder, const std::vector<std::string>& arguments,
                            const Environment& environment) {
  const Result result = run(folder, arguments, environment);
  INFO("errors: ", result.errors);
  REQUIRE(result.status == 0);
  return result.output;
}

std::vector<std::string> metrics_without_times(const std::filesystem::path& path) {
  std::istringstream file(read_file(path));
  std::vector<std::string> rows;
  std::vector<bool> kept;
  for (std::string line; std::getline(file, line);) {
    std::istringstream cells(line);
    std::string row;
    std::size_t column = 0;
    for (std::string cell; std::getline(cells, cell, ','); ++column) {
      if (rows.empty()) kept.push_back(cell != "seconds" && cell != "images_per_second");
      if (kept.at(column)) row += cell + ",";
    }
    rows.push_back(row);
  }
  return rows;
}

}  // namespace deepmoe::cli_test
