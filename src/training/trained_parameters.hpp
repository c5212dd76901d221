#pragma once

#include <vector>

#include "model/network.hpp"
#include "options/options.hpp"
#include "training/optimizer.hpp"

namespace deepmoe {

/// The weights of a network that learn, in the order of its state. Options read: weight_decay_on_all (false
/// keeps weight decay from gate heads, norms and biases), gate_lr and gate_weight_decay (factors on the
/// learning rate and the weight decay of gate heads and of all that belongs to the embedding network).
std::vector<TrainedParameter> trained_parameters(const Network& network, const Options& options);

}  // namespace deepmoe
