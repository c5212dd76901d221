#include "compaction/channel_constants.hpp"

#include <cmath>
#include <limits>

namespace deepmoe {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// The values after one node of those before it.
class Propagation {
 public:
  Propagation(const Node& node, const Weights& weights, const std::vector<bool>* inactive,
              std::vector<double>& values)
      : node_(node), weights_(weights), inactive_(inactive), values_(values) {}

  void operator()(const Gate&) {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if ((*inactive_)[i]) values_[i] = 0;
      if (values_[i] != 0) values_[i] = unknown;
    }
  }
  void operator()(const BatchNorm& norm) {
    const float* const mean = weights_.values(node_.parameters + ".running_mean");
    const float* const variance = weights_.values(node_.parameters + ".running_var");
    const float* const weight = norm.affine ? weights_.values(node_.parameters + ".weight") : nullptr;
    const float* const bias = norm.affine ? weights_.values(node_.parameters + ".bias") : nullptr;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      double& value = values_[i];
      value =
          (value - static_cast<double>(mean[i])) / std::sqrt(static_cast<double>(variance[i]) + norm.epsilon);
      if (norm.affine) value = value * static_cast<double>(weight[i]) + static_cast<double>(bias[i]);
    }
  }
  void operator()(const Relu&) {
    // A NaN must stay one.
    for (double& value : values_) value = value < 0 ? 0 : value;
  }
  void operator()(const Gelu&) {
    for (double& value : values_) value = 0.5 * value * (1 + std::erf(value / std::sqrt(2.0)));
  }
  /// Pools, flatten and dropout keep a constant as it is: padding of a maximum is never the largest.
  template <class Op>
  void operator()(const Op&) {}

 private:
  const Node& node_;
  const Weights& weights_;
  const std::vector<bool>* inactive_;
  std::vector<double>& values_;
};

}  // namespace

ChannelConstants channel_constants(const Architecture& architecture, const Weights& weights,
                                   const ChannelGroup& group,
                                   const std::map<std::int32_t, std::vector<bool>>& inactive) {
  ChannelConstants constants;
  for (const std::int32_t member : group.members) {
    if (member == group.producer) {
      constants[member].assign(static_cast<std::size_t>(group.channels), unknown);
      continue;
    }
    const Node& node = architecture.nodes[static_cast<std::size_t>(member)];
    std::vector<double> values = constants.at(node.inputs[0]);
    const auto flags = inactive.find(member);
    std::visit(Propagation(node, weights, flags != inactive.end() ? &flags->second : nullptr, values),
               node.operation);
    constants[member] = std::move(values);
  }
  return constants;
}

}  // namespace deepmoe
