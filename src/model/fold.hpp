#pragma once

#include <memory>

#include "model/model.hpp"

namespace deepmoe {

/// A dense copy for inference. Gates are left out, as if each were 1, and with them the embedding network;
/// dropout too. A batch norm that alone reads a convolution goes into the convolution's weight and bias.
/// Weights are stored channels last. In evaluation it gives what `model` gives with every gate at 1.
std::shared_ptr<Model> fold_model(const Model& model);

}  // namespace deepmoe
