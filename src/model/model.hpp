#pragma once

/// The door of src/model: a trainable network over LibTorch. No LibTorch header is needed to use it.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"
#include "data/data.hpp"
#include "options/options.hpp"
#include "storage/shared_tensor.hpp"

namespace deepmoe {

class Network;  // network.hpp: the LibTorch half, for src/model and src/training only

/// An architecture with parameters, and what a user of the weights must know besides: the options it was
/// built from, the normalisation of its images, its class names. One thread at a time may use a model.
class Model {
 public:
  /// A new model with random weights from option `seed`; option `weights`, if set, names a file to start
  /// from; if it holds a compacted form of the network that the options describe, the model has that form.
  /// num_classes and image_size must be resolved. Errors: those of build_architecture and of the
  /// device.
  static std::shared_ptr<Model> create(const Options& options);

  /// A new model over a given architecture, e.g. a plugin's.
  static std::shared_ptr<Model> create(const Architecture& architecture, const Options& options);

  /// Reads a safetensors file. Its metadata describe the network; `options` that are given (not defaults)
  /// complete a bare file of weights (model, embedding_dim, ...) and may choose the device. What a bare
  /// file's tensors tell (num_classes, embedding_dim, embedding_layers, gate_bias, embedding_norm) need not
  /// be given. Errors: not_found, io, format; a missing, surplus or misshapen tensor is named.
  static std::shared_ptr<Model> load(const std::string& path, const Options& options);

  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  /// Writes weights and metadata atomically.
  void save(const std::string& path) const;
  /// What `save` says of the model besides its weights: the metadata of the file.
  std::map<std::string, std::string> metadata() const;

  const Architecture& architecture() const;
  /// Whether its first weights were random, not a file's.
  bool is_new() const { return is_new_; }
  const Options& options() const;
  /// "cpu" or "cuda:N".
  std::string device() const;

  const Normalization& normalization() const;
  const std::vector<std::string>& class_names() const;
  /// Remembers normalisation and class names of the data that the model is trained on; saved with the
  /// weights.
  void describe_data(const Normalization& normalization, std::vector<std::string> class_names);

  /// Evaluation-mode outputs for `images` (N, 3, H, W): f32 already normalised, or u8, which are normalised
  /// here. The result holds logits (N, classes), and in a gated network embedding (N, dim), embedding_logits
  /// and gate.<layer> (N, experts), on the model's device when the images are there, else on the CPU.
  std::vector<SharedTensor> forward(const SharedTensor& images);

  /// The state_dict, sharing memory with the model.
  std::vector<SharedTensor> state() const;
  /// Copies values in by name; every entry of the state_dict must be there (num_batches_tracked may be
  /// absent).
  void load_state(const std::vector<SharedTensor>& state, const std::string& origin);

  Network& network() { return *network_; }

  /// From now on (gate_selection.hpp): limits in the order of the gates, and the embedding's influence.
  void set_gate_limits(const std::vector<std::int64_t>& limits);
  void set_gate_influence(double influence);

 private:
  Model(Architecture architecture, const Options& options);
  Architecture architecture_;
  Options options_;
  Normalization normalization_;
  std::vector<std::string> class_names_;
  std::unique_ptr<Network> network_;
  bool is_new_ = true;
};

/// What the machine offers, for `deepmoe doctor`: LibTorch's version and path, its threads, CPU capability,
/// whether CUDA can be used and, if not, what is missing.
nlohmann::json diagnose_libtorch();

}  // namespace deepmoe
