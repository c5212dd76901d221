// The public Python implementation's numbers, reproduced: logits within 1e-4 of the largest in evaluation,
// the loss within 1e-4 and each gradient norm within 1e-3 (relative) in training. See
// tests/data/parity/README.md.

#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "model/device.hpp"
#include "model/filled_by_rule.hpp"
#include "model/loss.hpp"
#include "model/model.hpp"
#include "source_folder.hpp"

using namespace deepmoe;
using nlohmann::json;

namespace {

json read_case(const std::string& name) {
  std::ifstream file(source_folder() + "/tests/data/parity/" + name + ".json");
  REQUIRE_MESSAGE(file.good(), "the parity case is missing: " << name);
  return json::parse(file);
}

std::shared_ptr<Model> build(const json& parity) {
  Options options;
  options.set("recipe", "seed");
  options.set("device", "cpu");
  for (const char* name : {"model", "num_classes", "embedding_dim", "wide", "embedding_layers", "image_size",
                           "gate_position", "variant"}) {
    options.set_json(json{{name, parity.at(name)}}, OptionSource::flag);
  }
  std::shared_ptr<Model> model = Model::create(options);
  test::fill_by_rule(model->network());
  return model;
}

at::Tensor input_of(const json& parity) {
  const std::int64_t size = parity.at("image_size");
  return test::filled_by_rule("input", {parity.at("batch").get<std::int64_t>(), 3, size, size});
}

at::Tensor matrix(const json& rows) {
  const auto width = static_cast<std::int64_t>(rows.at(0).size());
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(rows.size()), width}, at::kDouble);
  auto accessor = tensor.accessor<double, 2>();
  for (std::int64_t i = 0; i < tensor.size(0); ++i) {
    for (std::int64_t j = 0; j < width; ++j) {
      accessor[i][j] = rows.at(static_cast<std::size_t>(i)).at(static_cast<std::size_t>(j)).get<double>();
    }
  }
  return tensor;
}

double largest_difference(const at::Tensor& ours, const at::Tensor& theirs) {
  return (ours.to(at::kDouble) - theirs).abs().max().item<double>() / theirs.abs().max().item<double>();
}

void check_evaluation(const json& parity, Network& network) {
  const c10::NoGradGuard no_gradient;
  const Network::Outputs outputs = network.forward(input_of(parity), false);
  const json& expected = parity.at("eval");
  CHECK(largest_difference(outputs.logits, matrix(expected.at("logits"))) < 1e-4);
  CHECK(largest_difference(outputs.embedding_logits, matrix(expected.at("embedding_logits"))) < 1e-4);
  REQUIRE(outputs.gates.size() == expected.at("gate_sum").size());
  for (std::size_t i = 0; i < outputs.gates.size(); ++i) {
    CHECK(outputs.gates[i].sum().item<double>() ==
          doctest::Approx(expected["gate_sum"][i].get<double>()).epsilon(1e-4));
    // A gate within rounding of zero may fall on either side.
    const double active = outputs.gates[i].gt(0).sum().item<double>();
    CHECK(std::abs(active - expected["gate_active"][i].get<double>()) <= 1.0);
  }
}

using Norms = std::map<std::string, double>;

/// The training step's loss and the L2 norm of every gradient.
Norms gradient_norms(const json& parity, Network& network, double* loss_value) {
  const json& expected = parity.at("train");
  const at::Tensor labels = at::tensor(parity.at("labels").get<std::vector<std::int64_t>>(), at::kLong);
  const Network::Outputs outputs = network.forward(input_of(parity), true);
  const LossWeights weights{expected.at("lambda_val"), expected.at("mu"), 0.0,
                            gate_norm_from(expected.at("gate_norm").get<std::string>())};
  const Loss loss = compute_loss(outputs, labels, weights);
  loss.total.backward();
  *loss_value = loss.total.item<double>();
  Norms norms;
  for (const Network::Entry& entry : network.state()) {
    if (!entry.specification.trainable) continue;
    at::Tensor& gradient = entry.tensor.mutable_grad();
    norms[entry.specification.name] =
        gradient.defined() ? gradient.to(at::kDouble).norm().item<double>() : 0.0;
    gradient.reset();
  }
  return norms;
}

/// How much each gradient norm changes, relatively, when every weight is off by a rounding error of float32:
/// batches of 2 to 4 images make batch norm, and with it some gradients, that sensitive.
Norms sensitivity_to_rounding(const json& parity, Network& network, const Norms& unchanged) {
  Norms sensitivity;
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    at::Generator generator = make_generator(at::Device(at::kCPU), seed);
    test::fill_by_rule(network);
    for (const Network::Entry& entry : network.state()) {
      if (entry.specification.is_integer) continue;
      const at::Tensor noise = at::empty_like(entry.tensor.detach()).normal_(0.0, 6e-8, generator);
      entry.tensor.detach().mul_(1.0 + noise);
    }
    double loss = 0.0;
    for (const auto& [name, norm] : gradient_norms(parity, network, &loss)) {
      const double change = std::abs(norm - unchanged.at(name)) / (unchanged.at(name) + 1e-12);
      sensitivity[name] = std::max(sensitivity[name], change);
    }
  }
  return sensitivity;
}

void check_training(const json& parity, Network& network) {
  const json& expected = parity.at("train");
  double loss = 0.0;
  const Norms ours = gradient_norms(parity, network, &loss);
  CHECK(loss == doctest::Approx(expected.at("loss").get<double>()).epsilon(1e-4));
  const auto theirs = expected.at("grad_l2").get<Norms>();

  std::vector<std::string> apart;
  for (const auto& [name, norm] : theirs) {
    REQUIRE(ours.count(name) == 1);
    // Some gradients are zero but for rounding (a bias right before batch norm): hence the absolute part.
    if (std::abs(ours.at(name) - norm) > 1e-3 * norm + 1e-5) apart.push_back(name);
  }
  if (apart.empty()) return;
  // Both sides carry rounding errors of their own, which spread like those of the weights in every layer.
  const Norms sensitivity = sensitivity_to_rounding(parity, network, ours);
  double typical = 0.0;
  for (const auto& [name, change] : sensitivity) typical += change / static_cast<double>(sensitivity.size());
  for (const std::string& name : apart) {
    INFO(name << ": ours " << ours.at(name) << ", expected " << theirs.at(name) << ", sensitivity "
              << sensitivity.at(name) << ", mean sensitivity " << typical);
    CHECK(std::abs(ours.at(name) - theirs.at(name)) / theirs.at(name) <=
          10.0 * std::max(sensitivity.at(name), typical));
  }
}

void check_case(const std::string& name) {
  const json parity = read_case(name);
  const std::shared_ptr<Model> model = build(parity);
  for (const auto& [parameter, shape] : parity.at("parameters").items()) {
    INFO(parameter);
    bool found = false;
    for (const Network::Entry& entry : model->network().state()) {
      if (entry.specification.name != parameter) continue;
      found = true;
      CHECK(entry.tensor.sizes().vec() == shape.get<std::vector<std::int64_t>>());
    }
    CHECK(found);
  }
  check_evaluation(parity, model->network());
  if (parity.contains("train")) {
    test::fill_by_rule(model->network());
    check_training(parity, model->network());
  }
}

}  // namespace

TEST_CASE("parity of resnet18_moe") { check_case("resnet18_moe"); }
TEST_CASE("parity of resnet34_moe wide") { check_case("resnet34_moe_wide"); }
TEST_CASE("parity of resnet50_moe_a") { check_case("resnet50_moe_a"); }
TEST_CASE("parity of resnet50_moe_b") { check_case("resnet50_moe_b"); }
TEST_CASE("parity of vgg11_bn_moe") { check_case("vgg11_bn_moe"); }
TEST_CASE("parity of vgg13_moe wide") { check_case("vgg13_moe_wide"); }
