#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "data/data.hpp"

namespace deepmoe {

/// The images below `data_dir`/train (training) or `data_dir`/val or /test, in a folder for each class;
/// sorted names give the labels. The two splits must have the same classes. Files that are not called .jpg,
/// .jpeg or .png are ignored; a class without images is an error.
std::shared_ptr<const Dataset> folder_dataset(const std::string& data_dir, bool training);

}  // namespace deepmoe
