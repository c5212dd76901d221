#include "engine/workspace.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"
#include "options/options.hpp"

using namespace deepmoe;

namespace {

struct Case {
  std::string model, variant;
  std::int64_t image_size;
};

Architecture architecture_of(const Case& network) {
  Options options;
  options.set("model", network.model);
  options.set("variant", network.variant);
  options.set("image_size", std::to_string(network.image_size));
  options.set("num_classes", "10");
  return build_architecture(options);
}

/// Numbers of each parameter and buffer.
std::map<std::string, std::size_t> lengths_of(const Architecture& architecture) {
  std::map<std::string, std::size_t> lengths;
  for (const ParameterSpecification& entry : parameter_specifications(architecture)) {
    std::size_t length = 1;
    for (const std::int64_t extent : entry.shape) length *= static_cast<std::size_t>(extent);
    lengths[entry.name] = length;
  }
  return lengths;
}

}  // namespace

TEST_CASE("an engine takes at most half more memory than its weights and its two largest values") {
  for (const Case& network : {Case{"resnet18_moe", "cifar", 32}, Case{"vgg16_bn_moe", "cifar", 32},
                              Case{"resnet34_moe", "cifar", 32}, Case{"resnet18_moe", "imagenet", 224},
                              Case{"resnet50_moe_b", "imagenet", 224}}) {
    const Architecture architecture = architecture_of(network);
    const std::map<std::string, std::size_t> lengths = lengths_of(architecture);
    const Plan plan(architecture, network.image_size, true, WeightPrecision::fp32, kernels(),
                    [&](const std::string& name) { return std::vector<float>(lengths.at(name), 0.01F); });
    std::size_t weights = 0;
    for (const auto& [name, length] : lengths) weights += length * sizeof(float);
    std::vector<std::size_t> values;
    for (const Value& value : plan.network.values)
      values.push_back(static_cast<std::size_t>(value.shape.elements()) * sizeof(float));
    std::sort(values.rbegin(), values.rend());
    for (const std::int32_t batch : {1, 8, 64}) {
      const Workspace workspace(plan, batch, 1);
      const std::size_t taken = plan.weight_bytes + workspace.bytes();
      INFO(network.model, ", ", network.image_size, " pixels, batch ", batch, ": ", taken, " bytes for ",
           weights, " of weights and ", values[0], " and ", values[1], " of an image's values");
      CHECK(taken <= weights * 3 / 2 + static_cast<std::size_t>(batch) * (values[0] + values[1]));
    }
  }
}
