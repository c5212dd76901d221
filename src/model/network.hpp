#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "architecture/architecture.hpp"
#include "model/fusion.hpp"
#include "model/synchronised_norm.hpp"

namespace deepmoe {

/// The LibTorch reader of an architecture: its parameters as tensors, and one walk over its nodes for
/// training and for evaluation alike. One thread at a time.
class Network {
 public:
  struct Entry {
    ParameterSpecification specification;
    at::Tensor tensor;
  };
  struct Outputs {
    at::Tensor logits;              ///< (N, classes)
    at::Tensor embedding;           ///< (N, embedding_dim), undefined in a dense network
    at::Tensor embedding_logits;    ///< (N, classes), undefined in a dense network
    std::vector<at::Tensor> gates;  ///< (N, experts) each, in network order
  };

  /// How activations lie in memory. `fastest` is what was measured to be so on the device, for each part of
  /// the network.
  enum class Layout { rows, channels_last, fastest };

  /// Parameters are allocated on `device` and left uninitialised. `architecture` must outlive the network.
  Network(const Architecture& architecture, const at::Device& device, Layout layout, std::uint64_t seed);

  /// `images` is (N, channels, H, W) f32 on device(). In training, batch norm uses and updates batch
  /// statistics and dropout draws; the result is part of an autograd graph wherever gradients are enabled.
  /// Outputs are f32, also where LibTorch's autocast lets what is in between be of less precision.
  Outputs forward(const at::Tensor& images, bool training);

  const std::vector<Entry>& state() const { return state_; }
  const Architecture& architecture() const { return architecture_; }
  const at::Device& device() const { return device_; }

  /// From now on batch norm takes its statistics in training over the processes of a distributed run.
  void synchronise_norms(SumOverProcesses sum_over_processes) {
    sum_over_processes_ = std::move(sum_over_processes);
  }

  /// Stops (or resumes) the learning of the embedding network, its norm and its classifier.
  void freeze_embedding(bool frozen);
  bool embedding_frozen() const { return embedding_frozen_; }
  /// Where dropout draws from.
  at::Generator& generator() { return generator_; }
  /// Whether a state entry belongs to the embedding network, its norm or its classifier.
  bool is_embedding(const Entry& entry) const {
    return embedding_nodes_[static_cast<std::size_t>(entry.specification.node)];
  }

 private:
  struct Plan {
    std::size_t first_parameter = 0;  ///< position of the node's first entry in state_
    bool in_place = false;            ///< may overwrite its input
    bool after_pool = false;  ///< a ReLU that is done by the max pool behind it, or the max pool that does so
    std::int32_t group = -1;  ///< position in groups_ of the group that the node is part of
    std::vector<std::int32_t> release_after;  ///< nodes whose output nobody needs after this one
  };
  using Values = std::vector<at::Tensor>;  // of the nodes; a gate that is part of a group has its gates

  void plan_nodes();
  std::vector<std::int32_t> nodes_read_by(std::size_t index) const;
  at::Tensor laid_out(const at::Tensor& images) const;
  at::Tensor laid_out(const at::Tensor& input, std::size_t index, const Convolution& convolution) const;
  at::Tensor evaluate(std::size_t index, const Values& values, bool training, Outputs& outputs);
  at::Tensor evaluate_group(const NormGroup& group, const Values& values, bool training);
  at::Tensor evaluate_gates(std::size_t index, const Values& values, Outputs& outputs);
  at::Tensor dropout(const at::Tensor& input, double probability);

  const Architecture& architecture_;
  at::Device device_;
  Layout layout_;
  std::vector<Entry> state_;
  std::vector<NormGroup> groups_;
  std::vector<Plan> plan_;
  std::vector<bool> embedding_nodes_;
  bool embedding_frozen_ = false;
  SumOverProcesses sum_over_processes_;  ///< empty: each process has batch statistics of its own
  at::Generator generator_;
};

}  // namespace deepmoe
