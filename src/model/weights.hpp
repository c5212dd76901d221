#pragma once

#include <map>
#include <string>
#include <string_view>

#include "model/network.hpp"
#include "options/options.hpp"
#include "storage/shared_tensor.hpp"

namespace deepmoe {

/// Names that begin so are no weights: what else a checkpoint of a training holds.
inline constexpr std::string_view training_prefix = "training/";

/// The weights of a safetensors file, sharing its mapped memory.
std::vector<SharedTensor> tensors_of(std::shared_ptr<const SafetensorsFile> file);

/// One tensor of a file, sharing its mapped memory.
SharedTensor shared_view(const TensorView& view, std::shared_ptr<const SafetensorsFile> file);

/// What copy_into refuses, without copying.
void expect_weights(const Network& network, const std::vector<SharedTensor>& tensors,
                    const std::string& origin);

/// Copies `tensors` into the network by name, converting floating-point types to f32. All or nothing: a
/// missing, surplus or misshapen tensor is an Error(format) that names it and `origin`. num_batches_tracked
/// may be absent.
void copy_into(const Network& network, const std::vector<SharedTensor>& tensors, const std::string& origin);

/// Completes options from what a bare file of weights tells: num_classes, embedding_dim, embedding_layers,
/// gate_bias, embedding_norm, embedding_influence (1) and variant, each only where `options` does not give it.
void infer_from_weights(const std::vector<SharedTensor>& tensors, Options& options);

}  // namespace deepmoe
