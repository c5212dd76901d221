#include "analysis/removal.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "architecture/build.hpp"
#include "base/require_error.hpp"
#include "compaction/compaction.hpp"

using namespace deepmoe;

namespace {

/// For each gate as many flags as it has experts; those of `dead` are set in each.
std::vector<std::vector<bool>> flags_of(const Architecture& network, std::int64_t dead) {
  std::vector<std::vector<bool>> flags;
  const std::vector<Shape> shapes = infer_shapes(network);
  for (const std::int32_t gate : network.gates()) {
    std::vector<bool>& layer = flags.emplace_back();
    for (std::int64_t i = 0; i < shapes[static_cast<std::size_t>(gate)].channels; ++i)
      layer.push_back(i < dead);
  }
  return flags;
}

}  // namespace

TEST_CASE("without dead experts nothing is removed") {
  const Architecture network = build({{"model", "resnet18_moe"}, {"width", "0.125"}});
  const Removal removal = removal_of(network, 32, flags_of(network, 0));
  CHECK(removal.dead == 0);
  CHECK(removal.removable == 0);
  CHECK(removal.parameters_after == removal.parameters_before);
  CHECK(removal.parameters_before == cost(network).parameters);
  CHECK(removal.dense_macs_after == removal.dense_macs_before);
}

TEST_CASE("dead experts in the sum of a residual block stay") {
  // Two gates in each block: the first one's experts can go, the second one's are in the sum.
  const Architecture network = build({{"model", "resnet18_moe"}, {"width", "0.125"}});
  const Removal removal = removal_of(network, 32, flags_of(network, 2));
  CHECK(removal.dead == 2 * 16);
  CHECK(removal.removable == 2 * 8);
  CHECK(removal.parameters_after < removal.parameters_before);
  CHECK(removal.dense_macs_after < removal.dense_macs_before);
}

TEST_CASE("before batch norm one expert stays for those whose constant a padded convolution sees") {
  const Architecture network =
      build({{"model", "resnet18_moe"}, {"width", "0.125"}, {"gate_position", "pre_bn"}});
  CHECK(removal_of(network, 32, flags_of(network, 2)).removable == 1 * 8);
}

TEST_CASE("what removal promises is what compaction does to weights at hand") {
  for (const char* position : {"pre_bn", "post_bn", "input"}) {
    CAPTURE(position);
    const Architecture network =
        build({{"model", "vgg11_bn_moe"}, {"width", "0.125"}, {"gate_position", position}});
    const std::vector<std::vector<bool>> dead = flags_of(network, 3);
    std::vector<SharedTensor> state;
    for (const ParameterSpecification& entry : parameter_specifications(network)) {
      if (entry.is_integer) continue;
      SharedTensor& tensor = state.emplace_back();
      tensor.name = entry.name;
      tensor.shape = entry.shape;
      const auto values = std::make_shared<std::vector<float>>(static_cast<std::size_t>(tensor.elements()));
      for (std::size_t i = 0; i < values->size(); ++i) {
        (*values)[i] = 0.1F + 0.01F * static_cast<float>(i * 7 % 13);
      }
      tensor.data = values->data();
      tensor.owner = values;
    }
    const CompactedNetwork smaller = compact(network, state, dead);
    const Removal removal = removal_of(network, 32, dead);
    CHECK(removal.removable > 0);
    CHECK(removal.parameters_after == cost(smaller.architecture, 32).parameters);
    CHECK(removal.dense_macs_after == cost(smaller.architecture, 32).dense_macs);
  }
}

TEST_CASE("a dense network and flags that do not fit are refused") {
  const Architecture network = small_network();
  require_error(ErrorCode::invalid_argument, {"3 experts"},
                [&] { removal_of(network, 8, {{true, true, true}}); });
  require_error(ErrorCode::invalid_argument, {"dense"},
                [&] { removal_of(build({{"model", "resnet18"}}), 32, {}); });
}
