#pragma once

/// The door of src/export: networks in the formats of other programs.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"
#include "storage/storage.hpp"

namespace deepmoe {

struct OnnxSettings {
  /// Also gives `embedding`, `embedding_logits` and `gate.<layer>`; a dense network has none (Error).
  bool gates = false;
  /// The side of the images that the file is for. 0 leaves height and width open where the network allows it,
  /// and stands for the architecture's own image_size where it does not.
  std::int64_t image_size = 0;
  /// Goes into the file's metadata_props.
  std::map<std::string, std::string> metadata;
};

/// Writes an ONNX model (opset 17) of a network in evaluation: `input` (batch, channels, height, width),
/// float32 and normalised, gives `logits` (batch, classes) and what the settings ask for. Gates are computed
/// in it from each image. `weights` are the state_dict's entries in f32; num_batches_tracked may be absent.
/// Nothing is copied: memory does not grow with the network. The file is replaced atomically. Errors:
/// invalid_argument for weights or settings that do not fit the network, unsupported for a file that would
/// exceed the format's 2 GiB, and those of write_file_atomically.
void write_onnx(const std::string& path, const Architecture& architecture,
                const std::vector<TensorView>& weights, const OnnxSettings& settings);

}  // namespace deepmoe
