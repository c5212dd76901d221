#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "data/data.hpp"

namespace deepmoe {

enum class Cifar { ten, hundred };

/// CIFAR-10, or CIFAR-100 with its fine labels, from `data_dir` or the usual folder in it: torchvision's
/// python files (cifar-10-batches-py, cifar-100-python), else the binary ones (cifar-10-batches-bin,
/// cifar-100-binary). The images stay where the file's bytes were read to. Errors: not_found with what was
/// looked for; format naming file and reason.
std::shared_ptr<const Dataset> cifar_dataset(Cifar kind, const std::string& data_dir, bool training);

}  // namespace deepmoe
