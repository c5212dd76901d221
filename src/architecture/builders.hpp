#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "architecture/architecture.hpp"
#include "architecture/network_settings.hpp"

namespace deepmoe {

/// What tells one ResNet from another.
struct ResNetPlan {
  std::array<int, 4> blocks;
  bool bottleneck;
  bool gate_first, gate_second;  ///< which of a block's first two convolutions are gated
};
/// Names are torchvision's; the stride of a bottleneck sits on its 3x3 convolution.
Architecture build_resnet(const ResNetPlan& plan, const NetworkSettings& settings);

/// What tells one VGG from another.
struct VggPlan {
  std::array<int, 5> convolutions;  ///< between two max pools
  bool norm;
  bool gated;
};
Architecture build_vgg(const VggPlan& plan, const NetworkSettings& settings);

}  // namespace deepmoe
