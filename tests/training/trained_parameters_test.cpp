#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/trained_parameters.hpp"

#include <map>

#include "model/small_model.hpp"

using namespace deepmoe;

namespace {

std::map<std::string, TrainedParameter> parameters_by_name(
    const std::vector<std::pair<std::string, std::string>>& values) {
  const auto model = test::small_model({{"gate_bias", "true"}, {"gate_position", "post_bn"}});
  std::map<std::string, TrainedParameter> by_name;
  for (const TrainedParameter& parameter :
       trained_parameters(model->network(), test::small_options(values))) {
    by_name.emplace(parameter.name, parameter);
  }
  return by_name;
}

}  // namespace

TEST_CASE("all weights that learn are trained and decay alike by default") {
  const auto parameters = parameters_by_name({});
  CHECK(parameters.count("bn1.weight") == 1);
  CHECK(parameters.count("bn1.running_mean") == 0);
  for (const auto& [name, parameter] : parameters) {
    CAPTURE(name);
    CHECK(parameter.decay_factor == 1.0);
    CHECK(parameter.lr_factor == 1.0);
    CHECK(parameter.tensor.requires_grad());
  }
}

TEST_CASE("weight decay can be kept from gate heads and norms and biases") {
  const auto parameters = parameters_by_name({{"weight_decay_on_all", "false"}});
  for (const auto& [name, decays] : std::map<std::string, bool>{{"conv1.weight", true},
                                                                {"layer1.0.conv1.conv_layer.weight", true},
                                                                {"layer1.0.conv1.conv_layer.bias", false},
                                                                {"layer1.0.gate1.fc.weight", false},
                                                                {"layer1.0.gate1.fc.bias", false},
                                                                {"layer1.0.bn1.weight", false},
                                                                {"layer1.0.bn1.bias", false},
                                                                {"embedding.net.0.weight", true},
                                                                {"embedding.net.0.bias", false},
                                                                {"embedding_classifier.weight", true},
                                                                {"fc.weight", true},
                                                                {"fc.bias", false}}) {
    CAPTURE(name);
    CHECK(parameters.at(name).decay_factor == (decays ? 1.0 : 0.0));
  }
}

TEST_CASE("gate_weight_decay is a factor for what decays of gate heads and the embedding network") {
  const auto parameters =
      parameters_by_name({{"gate_weight_decay", "0.25"}, {"weight_decay_on_all", "false"}});
  CHECK(parameters.at("conv1.weight").decay_factor == 1.0);
  CHECK(parameters.at("embedding.net.0.weight").decay_factor == 0.25);
  CHECK(parameters.at("embedding.net.0.bias").decay_factor == 0.0);
  CHECK(parameters_by_name({{"gate_weight_decay", "0.25"}}).at("layer1.0.gate1.fc.weight").decay_factor ==
        0.25);
}

TEST_CASE("gate_lr is a factor for gate heads and the embedding network alone") {
  const auto parameters = parameters_by_name({{"gate_lr", "0.25"}});
  for (const auto& [name, factor] : std::map<std::string, double>{{"conv1.weight", 1.0},
                                                                  {"layer1.0.gate1.fc.weight", 0.25},
                                                                  {"layer1.0.gate1.fc.bias", 0.25},
                                                                  {"layer1.0.bn1.weight", 1.0},
                                                                  {"embedding.net.0.bias", 0.25},
                                                                  {"embedding_classifier.weight", 0.25},
                                                                  {"fc.weight", 1.0}}) {
    CAPTURE(name);
    CHECK(parameters.at(name).lr_factor == factor);
  }
}
