#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/data.hpp"
#include "options/options.hpp"

namespace deepmoe::test {

/// The built-in data set, small: 16 pixels, 4 classes.
inline std::shared_ptr<const Dataset> small_dataset(const std::string& split, std::int64_t size) {
  Options options;
  options.set("dataset", "synthetic");
  options.set("num_classes", "4");
  options.set("image_size", "16");
  options.set(split == "train" ? "synthetic_train_size" : "synthetic_test_size", std::to_string(size));
  return open_dataset(options, split);
}

}  // namespace deepmoe::test
