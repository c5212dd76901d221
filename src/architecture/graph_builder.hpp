#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"
#include "architecture/network_settings.hpp"

namespace deepmoe {

/// Names and numbers of one convolution with what belongs to it: norm, gate and ReLU. An empty name leaves a
/// part out.
struct ConvolutionUnit {
  std::string name, parameters;
  std::int64_t channels = 0, kernel = 0, stride = 1;
  bool bias = false;
  std::string norm, norm_parameters;
  std::string gate;  ///< also the prefix of its parameters
  std::string relu;
};

/// Collects the nodes of one network; starts with the input node. Every append returns the new node's index.
class GraphBuilder {
 public:
  explicit GraphBuilder(const NetworkSettings& settings);

  std::int32_t append(std::string name, Operation operation, std::int32_t input, std::string parameters = {});
  std::int32_t append_add(std::string name, std::int32_t left, std::int32_t right);
  /// Padding keeps the size at stride 1. The gate stands where option gate_position puts it.
  std::int32_t append_unit(const ConvolutionUnit& unit, std::int32_t input);

  /// The embedding network: 3x3 stride-2 convolutions with GELU on the image, global pool, optional
  /// norm. Gates can be appended afterwards.
  void append_embedding();
  /// Ends a gated network with its embedding classifier, a dense one with nothing, and hands the network
  /// over.
  Architecture finish(std::int32_t logits);

  const NetworkSettings& settings() const { return settings_; }

 private:
  std::int32_t append_gate(const std::string& name, std::int32_t input);

  const NetworkSettings& settings_;
  Architecture architecture_;
};

}  // namespace deepmoe
