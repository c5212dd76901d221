#include <doctest/doctest.h>

#include <random>

#include "architecture/build.hpp"
#include "base/require_error.hpp"

using namespace deepmoe;

namespace {

using Mask = std::vector<bool>;

/// Counts the MACs that one sample needs by following every single channel, given each gate's active experts:
/// which channels of each node vary at all, and which anybody reads.
double brute_force_macs(const Architecture& network, const std::vector<Mask>& active) {
  const std::vector<Shape> shapes = infer_shapes(network);
  const std::size_t count = network.nodes.size();
  const auto channels = [&](std::size_t i) { return static_cast<std::size_t>(shapes[i].channels); };

  std::vector<Mask> varies(count), read(count);
  std::vector<std::size_t> gate_of(count);
  std::size_t gates = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Node& node = network.nodes[i];
    varies[i] = Mask(channels(i), true);
    read[i] = Mask(channels(i), false);
    if (std::holds_alternative<Gate>(node.operation)) {
      varies[i] = active[gate_of[i] = gates++];
    } else if (node.inputs.size() == 1 && !std::holds_alternative<Convolution>(node.operation) &&
               !std::holds_alternative<Linear>(node.operation)) {
      const auto input = static_cast<std::size_t>(node.inputs[0]);
      for (std::size_t c = 0; c < channels(i); ++c)
        varies[i][c] = varies[input][c * channels(input) / channels(i)];
    }
  }
  for (const std::int32_t output : {network.logits, network.embedding, network.embedding_logits}) {
    if (output >= 0)
      read[static_cast<std::size_t>(output)].assign(channels(static_cast<std::size_t>(output)), true);
  }
  double macs = 0;
  for (std::size_t i = count; i-- > 0;) {
    const Node& node = network.nodes[i];
    const auto* convolution = std::get_if<Convolution>(&node.operation);
    const bool is_gate = std::holds_alternative<Gate>(node.operation);
    if (convolution != nullptr || std::holds_alternative<Linear>(node.operation)) {
      const auto input = static_cast<std::size_t>(node.inputs[0]);
      std::int64_t pairs = 0;
      for (std::size_t out = 0; out < channels(i); ++out) {
        for (std::size_t in = 0; in < channels(input); ++in)
          pairs += read[i][out] && varies[input][in] ? 1 : 0;
      }
      const std::int64_t positions =
          convolution ? shapes[i].height * shapes[i].width * convolution->kernel * convolution->kernel : 1;
      macs += static_cast<double>(pairs * positions);
      read[input].assign(channels(input), true);
      continue;
    }
    if (is_gate)
      macs += static_cast<double>(channels(i) * channels(static_cast<std::size_t>(node.inputs[1])));
    for (std::size_t number = 0; number < (is_gate ? 1U : node.inputs.size()); ++number) {
      const auto input = static_cast<std::size_t>(node.inputs[number]);
      for (std::size_t c = 0; c < channels(i); ++c) {
        if (read[i][c] && (!is_gate || active[gate_of[i]][c]))
          read[input][c * channels(input) / channels(i)] = true;
      }
    }
  }
  return macs;
}

double macs_at(const Architecture& network, const Cost& total, const std::string& name, double density) {
  const std::vector<double> all(network.gates().size(), density), none(all.size(), 1.0);
  Cost alone = total;
  for (NodeCost& node : alone.nodes) node.dense_macs = 0;
  const auto index = static_cast<std::size_t>(find_node(network, name));
  alone.nodes[index].dense_macs = total.nodes[index].dense_macs;
  return active_macs(network, alone, all) / active_macs(network, alone, none);
}

}  // namespace

TEST_CASE("dense networks have torchvision's parameters and MACs") {
  struct Known {
    const char* model;
    std::int64_t parameters, macs;
  };
  for (const Known& known :
       {Known{"resnet18", 11689512, 1814073344}, Known{"resnet34", 21797672, 3663761408},
        Known{"resnet50", 25557032, 4089184256}, Known{"resnet101", 44549160, 7801405440},
        Known{"resnet152", 60192808, 11513626624}, Known{"vgg11", 132863336, 7609090048},
        Known{"vgg11_bn", 132868840, 7609090048}, Known{"vgg13", 133047848, 11308466176},
        Known{"vgg13_bn", 133053736, 11308466176}, Known{"vgg16", 138357544, 15470264320},
        Known{"vgg16_bn", 138365992, 15470264320}, Known{"vgg19", 143667240, 19632062464},
        Known{"vgg19_bn", 143678248, 19632062464}}) {
    CAPTURE(known.model);
    const Architecture network =
        build({{"model", known.model}, {"num_classes", "1000"}, {"image_size", "224"}});
    const Cost total = cost(network);
    CHECK(total.parameters == known.parameters);
    CHECK(total.dense_macs == known.macs);
    CHECK(total.trunk_parameters == known.parameters);
    CHECK(total.trunk_macs == known.macs);
  }
}

TEST_CASE("the parts of a gated network add up") {
  const Architecture network = build({{"model", "resnet18_moe"}, {"gate_bias", "true"}});
  const Cost total = cost(network);
  CHECK(total.parameters == total.trunk_parameters + total.gating_parameters + total.embedding_parameters);
  CHECK(total.dense_macs == total.trunk_macs + total.gating_macs + total.embedding_macs);
  const std::int64_t experts = 4 * (64 + 128 + 256 + 512);
  CHECK(total.gating_parameters == experts * (128 + 1));
  CHECK(total.gating_macs == experts * 128);
  CHECK(total.trunk_macs == cost(build({{"model", "resnet18"}})).dense_macs);
  // Weights and biases of the four convolutions and of the classifier.
  CHECK(total.embedding_parameters == 9 * (3 * 32 + 32 * 64 + 64 * 96 + 96 * 128) + 320 + 128 * 10 + 10);
  CHECK(total.embedding_macs == 9 * (256 * 3 * 32 + 64 * 32 * 64 + 16 * 64 * 96 + 4 * 96 * 128) + 128 * 10);
}

TEST_CASE("MACs grow with the image and parameters do not") {
  const Architecture network = build({{"model", "resnet18"}});
  CHECK(cost(network, 64).parameters == cost(network).parameters);
  CHECK(cost(network, 64).dense_macs - 5120 == 4 * (cost(network).dense_macs - 5120));
}

TEST_CASE("in a basic block the first convolution costs d and the second d squared") {
  for (const char* position : {"pre_bn", "post_bn"}) {
    const Architecture network = build({{"model", "resnet18_moe"}, {"gate_position", position}});
    const Cost total = cost(network);
    CHECK(macs_at(network, total, "layer2.0.conv1", 0.3) == doctest::Approx(0.3));
    CHECK(macs_at(network, total, "layer2.0.conv2", 0.3) == doctest::Approx(0.09));
    CHECK(macs_at(network, total, "layer2.0.downsample.0", 0.3) == doctest::Approx(1));
    CHECK(macs_at(network, total, "conv1", 0.3) == doctest::Approx(1));
    CHECK(macs_at(network, total, "fc", 0.3) == doctest::Approx(1));
    CHECK(macs_at(network, total, "embedding.net.2", 0.3) == doctest::Approx(1));
    CHECK(macs_at(network, total, "layer2.0.gate1", 0.3) == doctest::Approx(1));
  }
}

TEST_CASE("gates at the input spare the convolution before them as well") {
  const Architecture network = build({{"model", "resnet18_moe"}, {"gate_position", "input"}});
  const Cost total = cost(network);
  CHECK(macs_at(network, total, "layer2.0.conv1", 0.3) == doctest::Approx(0.09));
  CHECK(macs_at(network, total, "layer2.0.conv2", 0.3) == doctest::Approx(0.3));
  CHECK(macs_at(network, total, "layer2.0.downsample.0", 0.3) == doctest::Approx(1));
}

TEST_CASE("in a vgg every convolution but the first costs d squared") {
  const Architecture network = build({{"model", "vgg11_bn_moe"}, {"variant", "imagenet"}});
  const Cost total = cost(network);
  CHECK(macs_at(network, total, "features.0.conv", 0.5) == doctest::Approx(0.5));
  CHECK(macs_at(network, total, "features.2.conv", 0.5) == doctest::Approx(0.25));
  CHECK(macs_at(network, total, "features.11.conv", 0.5) == doctest::Approx(0.25));
  CHECK(macs_at(network, total, "classifier.0", 0.5) == doctest::Approx(0.5));
  CHECK(macs_at(network, total, "classifier.3", 0.5) == doctest::Approx(1));
}

TEST_CASE("a value that two nodes read is computed whole") {
  Architecture network = small_network();
  CHECK(cost(network).nodes[4].output_gate == 0);
  CHECK(cost(network).nodes[10].input_gate == 0);
  network.nodes[7] = {"relu", Add{}, {6, 4}, {}};  // the ungated convolution is read a second time
  validate(network);
  CHECK(cost(network).nodes[4].output_gate == -1);
  CHECK(cost(network).nodes[10].input_gate == -1);
}

TEST_CASE("active MACs equal a count over single channels for random gates") {
  std::mt19937 random(7);
  for (const char* model :
       {"resnet18_moe", "resnet34_moe", "resnet50_moe_a", "resnet50_moe_b", "vgg11_moe", "vgg13_bn_moe"}) {
    for (const char* position : {"pre_bn", "post_bn", "input"}) {
      for (const char* variant : {"cifar", "imagenet"}) {
        CAPTURE(model);
        CAPTURE(position);
        CAPTURE(variant);
        const Architecture network = build({{"model", model},
                                            {"gate_position", position},
                                            {"variant", variant},
                                            {"width", "0.125"},
                                            {"embedding_dim", "16"}});
        const std::vector<Shape> shapes = infer_shapes(network);
        std::vector<Mask> active;
        std::vector<double> densities;
        for (const std::int32_t gate : network.gates()) {
          std::bernoulli_distribution draw(std::uniform_real_distribution<>(0, 1)(random));
          Mask mask(static_cast<std::size_t>(shapes[static_cast<std::size_t>(gate)].channels));
          double sum = 0;
          for (std::size_t c = 0; c < mask.size(); ++c) sum += (mask[c] = draw(random)) ? 1 : 0;
          active.push_back(mask);
          densities.push_back(sum / static_cast<double>(mask.size()));
        }
        const Cost total = cost(network);
        CHECK(active_macs(network, total, densities) ==
              doctest::Approx(brute_force_macs(network, active)).epsilon(1e-12));
        CHECK(active_macs(network, total, std::vector<double>(densities.size(), 1.0)) ==
              static_cast<double>(total.dense_macs));
      }
    }
  }
}

TEST_CASE("densities of the wrong number or range are refused") {
  const Architecture network = small_network();
  const Cost total = cost(network);
  require_error(ErrorCode::invalid_argument, {"2 densities", "1 gates"}, [&] {
    active_macs(network, total, {0.5, 0.5});
  });
  require_error(ErrorCode::invalid_argument, {"1.5"}, [&] { active_macs(network, total, {1.5}); });
  require_error(ErrorCode::invalid_argument, {"nan"}, [&] { active_macs(network, total, {std::nan("")}); });
}

TEST_CASE("a cost beyond 64 bits is refused") {
  Architecture network = small_network();
  network.image_size = 1000000;
  network.nodes[4].operation = Convolution{.channels = 1000000, .kernel = 101, .padding = 50};
  require_error(ErrorCode::invalid_argument, {"'conv'", "too large"}, [&] { cost(network); });
}
