#include <algorithm>

#include "architecture/builders.hpp"
#include "architecture/graph_builder.hpp"
#include "base/base.hpp"

namespace deepmoe {
namespace {

class VggBuilder {
 public:
  VggBuilder(const VggPlan& plan, const NetworkSettings& settings) : plan_(plan), graph_(settings) {}

  Architecture build() {
    if (plan_.gated) graph_.append_embedding();
    for (int stage = 0; stage < 5; ++stage) {
      const std::int64_t channels = std::min<std::int64_t>(512, std::int64_t{64} << stage);
      for (int index = 0; index < plan_.convolutions[static_cast<std::size_t>(stage)]; ++index) {
        append_convolution(channels);
      }
      last_ = graph_.append(concat("features.", feature_++), MaxPool{.kernel = 2, .stride = 2}, last_);
    }
    return graph_.finish(graph_.settings().cifar ? append_small_classifier() : append_large_classifier());
  }

 private:
  /// `features` counts every layer in a dense network, but convolution, norm, gate and ReLU together in a
  /// gated one.
  void append_convolution(std::int64_t channels) {
    const bool first = convolution_ == 0;
    ConvolutionUnit unit;
    unit.channels = graph_.settings().scaled(channels, graph_.settings().wide && !first);
    unit.kernel = 3;
    unit.bias = true;
    if (plan_.gated) {
      const std::string block = concat("features.", feature_++);
      unit.name = block + ".conv";
      unit.parameters = block + ".moe.conv_layer";
      if (plan_.norm) {
        unit.norm = block + ".bn";
        unit.norm_parameters = block + ".block.0";
      }
      unit.gate = concat("gating.", convolution_);
      unit.relu = block + ".relu";
    } else {
      unit.name = unit.parameters = concat("features.", feature_++);
      if (plan_.norm) unit.norm = unit.norm_parameters = concat("features.", feature_++);
      unit.relu = concat("features.", feature_++);
    }
    last_ = graph_.append_unit(unit, last_);
    ++convolution_;
  }

  std::int32_t append_small_classifier() {
    last_ = graph_.append("avgpool", AveragePool{}, last_);
    last_ = graph_.append("flatten", Flatten{}, last_);
    return append_linear("classifier.0", graph_.settings().num_classes);
  }

  std::int32_t append_large_classifier() {
    const std::int64_t hidden = graph_.settings().scaled(4096, false);
    last_ = graph_.append("avgpool", AveragePool{.output_size = 7}, last_);
    last_ = graph_.append("flatten", Flatten{}, last_);
    for (const int layer : {0, 3}) {
      append_linear(concat("classifier.", layer), hidden);
      last_ = graph_.append(concat("classifier.", layer + 1), Relu{}, last_);
      last_ = graph_.append(concat("classifier.", layer + 2), Dropout{}, last_);
    }
    return append_linear("classifier.6", graph_.settings().num_classes);
  }

  std::int32_t append_linear(const std::string& name, std::int64_t channels) {
    last_ = graph_.append(name, Linear{.channels = channels}, last_, name);
    return last_;
  }

  const VggPlan& plan_;
  GraphBuilder graph_;
  std::int32_t last_ = 0;
  int feature_ = 0, convolution_ = 0;
};

}  // namespace

Architecture build_vgg(const VggPlan& plan, const NetworkSettings& settings) {
  return VggBuilder(plan, settings).build();
}

}  // namespace deepmoe
