#pragma once

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "source_folder.hpp"
#include "storage/storage.hpp"

namespace deepmoe::test {

/// What torch.optim does: the numbers that are kept beside the tests, or those that torch_optim.py has just
/// made.
inline nlohmann::json torch_numbers() {
  const char* const given = std::getenv("DEEPMOE_TORCH_OPTIM");
  const std::string path = given != nullptr ? given : source_folder() + "/tests/training/torch_optim.json";
  nlohmann::json numbers = nlohmann::json::parse(read_file(path));
  std::cout << "numbers of torch " << numbers["torch"].get<std::string>() << " from " << path << std::endl;
  return numbers;
}

}  // namespace deepmoe::test
