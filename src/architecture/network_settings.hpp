#pragma once

#include <cstdint>
#include <string>

#include "options/options.hpp"

namespace deepmoe {

/// Where the gate of a convolution stands: conv-gate-norm-relu, conv-norm-gate-relu or gate-conv-norm-relu.
enum class GatePosition { pre_bn, post_bn, input };

/// The options that shape a network, read and resolved.
struct NetworkSettings {
  std::string model;
  std::int64_t num_classes = 0;
  std::int64_t image_size = 0;
  double width = 1.0;
  bool wide = false;
  bool cifar = false;  ///< the variant: stem and classifier for small images
  std::int64_t embedding_dim = 0;
  std::int64_t embedding_layers = 0;  ///< 4 or 5
  bool embedding_norm = false;
  GatePosition gate_position = GatePosition::post_bn;
  bool gate_bias = false;

  /// `channels` times the width factor (and times two when `doubled`), rounded, at least 1.
  std::int64_t scaled(std::int64_t channels, bool doubled) const;
};

/// Reads the settings of option group "model". Throws Error(invalid_argument) when num_classes or image_size
/// is not resolved.
NetworkSettings read_network_settings(const Options& options);

}  // namespace deepmoe
