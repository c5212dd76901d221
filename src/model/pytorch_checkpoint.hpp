#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "data/data.hpp"
#include "options/options.hpp"
#include "storage/shared_tensor.hpp"

namespace deepmoe {

/// The tensors of a state_dict that Python's torch.save wrote, row-major and of the types they were saved in.
/// The file holds a dictionary from names to tensors, or one that has such a dictionary under state_dict,
/// model_state_dict or model. A prefix "module." that all names have (of DataParallel) is taken off. Nothing
/// in the file is executed: whatever is not tensors, numbers, texts and containers is refused by name.
/// Errors: not_found, io, and format naming file and entry.
std::vector<SharedTensor> read_pytorch_checkpoint(const std::string& path);

/// Writes what read_pytorch_checkpoint reads as safetensors. Where `options` give a model, names and shapes
/// are checked against its architecture, and the file is one that Model::save writes, in f32 and with its
/// description, `normalization` included; else it has the bare tensors in their own types. Errors: those of
/// reading, of copy_into and of writing.
void convert_pytorch_checkpoint(const std::string& path, const std::string& output, const Options& options,
                                const std::optional<Normalization>& normalization);

}  // namespace deepmoe
