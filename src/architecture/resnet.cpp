#include "architecture/builders.hpp"
#include "architecture/graph_builder.hpp"
#include "base/base.hpp"

namespace deepmoe {
namespace {

constexpr std::int64_t bottleneck_expansion = 4;

/// One convolution of a block: number 1, 2 or 3, with batch norm, and with gate and ReLU where named.
ConvolutionUnit block_unit(const std::string& block, int number, const std::string& gate, bool relu) {
  const std::string convolution = concat(block, ".conv", number);
  const std::string norm = concat(block, ".bn", number);
  const bool gated = !gate.empty();
  return {.name = convolution,
          .parameters = gated ? convolution + ".conv_layer" : convolution,
          .bias = gated,
          .norm = norm,
          .norm_parameters = norm,
          .gate = gate,
          .relu = relu ? concat(block, ".relu", number) : std::string()};
}

class ResNetBuilder {
 public:
  ResNetBuilder(const ResNetPlan& plan, const NetworkSettings& settings) : plan_(plan), graph_(settings) {}

  Architecture build() {
    const NetworkSettings& settings = graph_.settings();
    if (plan_.gate_first || plan_.gate_second) graph_.append_embedding();
    append_stem();
    for (int stage = 0; stage < 4; ++stage) append_stage(stage);
    last_ = graph_.append("avgpool", AveragePool{}, last_);
    last_ = graph_.append("flatten", Flatten{}, last_);
    return graph_.finish(graph_.append("fc", Linear{.channels = settings.num_classes}, last_, "fc"));
  }

 private:
  std::int64_t width(int stage) const {
    return graph_.settings().scaled(std::int64_t{64} << stage, graph_.settings().wide);
  }

  void append_stem() {
    const bool cifar = graph_.settings().cifar;
    channels_ = width(0);
    last_ = graph_.append_unit({.name = "conv1",
                                .parameters = "conv1",
                                .channels = channels_,
                                .kernel = cifar ? 3 : 7,
                                .stride = cifar ? 1 : 2,
                                .norm = "bn1",
                                .norm_parameters = "bn1",
                                .gate = {},
                                .relu = "relu"},
                               0);
    if (!cifar) last_ = graph_.append("maxpool", MaxPool{.kernel = 3, .stride = 2, .padding = 1}, last_);
  }

  void append_stage(int stage) {
    for (int index = 0; index < plan_.blocks[static_cast<std::size_t>(stage)]; ++index) {
      append_block(concat("layer", stage + 1, ".", index), width(stage), stage > 0 && index == 0 ? 2 : 1);
    }
  }

  void append_block(const std::string& block, std::int64_t inner, std::int64_t stride) {
    const std::int64_t channels = plan_.bottleneck ? inner * bottleneck_expansion : inner;
    // A block's only gate has no number.
    const std::string first_gate = plan_.gate_first ? block + ".gate1" : "";
    const std::string second_gate = !plan_.gate_second ? "" : block + (plan_.gate_first ? ".gate2" : ".gate");

    ConvolutionUnit first = block_unit(block, 1, first_gate, true);
    first.channels = inner;
    first.kernel = plan_.bottleneck ? 1 : 3;
    first.stride = plan_.bottleneck ? 1 : stride;
    std::int32_t path = graph_.append_unit(first, last_);

    ConvolutionUnit second = block_unit(block, 2, second_gate, plan_.bottleneck);
    second.channels = inner;
    second.kernel = 3;
    second.stride = plan_.bottleneck ? stride : 1;
    path = graph_.append_unit(second, path);

    if (plan_.bottleneck) {
      ConvolutionUnit third = block_unit(block, 3, {}, false);
      third.channels = channels;
      third.kernel = 1;
      path = graph_.append_unit(third, path);
    }

    std::int32_t shortcut = last_;
    if (stride != 1 || channels != channels_) {
      const std::string convolution = block + ".downsample.0", norm = block + ".downsample.1";
      shortcut = graph_.append_unit({.name = convolution,
                                     .parameters = convolution,
                                     .channels = channels,
                                     .kernel = 1,
                                     .stride = stride,
                                     .norm = norm,
                                     .norm_parameters = norm,
                                     .gate = {},
                                     .relu = {}},
                                    last_);
    }
    last_ = graph_.append_add(block + ".add", path, shortcut);
    last_ = graph_.append(block + (plan_.bottleneck ? ".relu3" : ".relu2"), Relu{}, last_);
    channels_ = channels;
  }

  const ResNetPlan& plan_;
  GraphBuilder graph_;
  std::int32_t last_ = 0;      // the node that the next one reads
  std::int64_t channels_ = 0;  // and its channels
};

}  // namespace

Architecture build_resnet(const ResNetPlan& plan, const NetworkSettings& settings) {
  return ResNetBuilder(plan, settings).build();
}

}  // namespace deepmoe
