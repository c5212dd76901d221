#pragma once

#include <vector>

#include "model/model.hpp"

namespace deepmoe {

/// The model's state_dict in this process's memory, row-major: what a writer of files needs. Shares memory
/// with the model where it is that already.
std::vector<SharedTensor> host_state(const Model& model);

}  // namespace deepmoe
