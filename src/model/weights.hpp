#pragma once

#include <map>
#include <string>

#include "model/network.hpp"
#include "options/options.hpp"
#include "storage/shared_tensor.hpp"

namespace deepmoe {

/// The tensors of a safetensors file, sharing its mapped memory.
std::vector<SharedTensor> tensors_of(std::shared_ptr<const SafetensorsFile> file);

/// Copies `tensors` into the network by name, converting floating-point types to f32. All or nothing: a
/// missing, surplus or misshapen tensor is an Error(format) that names it and `origin`. num_batches_tracked
/// may be absent.
void copy_into(const Network& network, const std::vector<SharedTensor>& tensors, const std::string& origin);

/// Completes options from what a bare file of weights tells: num_classes, embedding_dim, embedding_layers,
/// gate_bias, embedding_norm and variant, each only where `options` does not give it.
void infer_from_weights(const std::vector<SharedTensor>& tensors, Options& options);

}  // namespace deepmoe
