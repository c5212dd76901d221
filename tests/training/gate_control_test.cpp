#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/gate_control.hpp"

#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "model/small_model.hpp"
#include "training/random_dataset.hpp"
#include "training/training.hpp"

using namespace deepmoe;

namespace {

/// Options of a small network whose gates lambda_val is to steer.
Options relu_options(const std::vector<std::pair<std::string, std::string>>& more = {}) {
  Options options = test::small_options({{"gate_select", "relu"},
                                         {"embedding_influence", "1"},
                                         {"influence_schedule", "none"},
                                         {"lambda_val", "0.01"}});
  for (const auto& [name, value] : more) options.set(name, value);
  return options;
}

/// Gates of which the first `active` in every layer are not 0, for three images.
std::vector<at::Tensor> gates_with(const Architecture& architecture, double density) {
  const std::vector<Shape> shapes = infer_shapes(architecture);
  std::vector<at::Tensor> gates;
  for (const std::int32_t node : architecture.gates()) {
    const std::int64_t experts = shapes[static_cast<std::size_t>(node)].channels;
    gates.push_back(at::arange(experts, at::kFloat)
                        .lt(density * static_cast<double>(experts))
                        .to(at::kFloat)
                        .expand({3, experts}));
  }
  return gates;
}

}  // namespace

TEST_CASE("without a target lambda_val stays") {
  const auto model = test::small_model();
  GateControl control(model->architecture(), relu_options({{"lambda_val", "0.25"}}));
  control.observe(gates_with(model->architecture(), 0.5), 0, 0.0);
  CHECK(control.lambda_val() == 0.25);
  CHECK(control.state().empty());
}

TEST_CASE("too many active experts or MACs raise lambda_val and too few lower it") {
  const auto model = test::small_model();
  const Architecture& architecture = model->architecture();
  const Cost network_cost = cost(architecture, 16);
  const double macs_at_half =
      active_macs(architecture, network_cost, std::vector<double>(architecture.gates().size(), 0.5)) /
      static_cast<double>(network_cost.dense_macs);
  for (const auto& [name, target] :
       {std::pair{"target_density", 0.5}, std::pair{"target_macs", macs_at_half}}) {
    CAPTURE(std::string(name));
    const Options options = relu_options({{name, std::to_string(target)}, {"lambda_val", "0.01"}});
    const auto lambda_at = [&](double density) {
      GateControl control(architecture, options);
      // After the first half of the run the target is what is wished.
      control.observe(gates_with(architecture, density), 0, 0.6);
      control.observe(gates_with(architecture, density), 3, 0.61);  // is not looked at
      control.observe(gates_with(architecture, density), 4, 0.61);
      return control.lambda_val();
    };
    CHECK(lambda_at(0.5) == doctest::Approx(0.01).epsilon(0.001));
    CHECK(lambda_at(1.0) > 0.02);
    CHECK(lambda_at(0.25) < 0.008);
  }
}

TEST_CASE("a gate control goes on from its state") {
  const auto model = test::small_model();
  const Options options = relu_options({{"target_density", "0.4"}, {"lambda_val", "0.01"}});
  GateControl first(model->architecture(), options), second(model->architecture(), options);
  for (int step = 0; step < 40; ++step) {
    first.observe(gates_with(model->architecture(), 1.0 - 0.01 * step), step, step / 100.0);
  }
  second.load_state(first.state());
  CHECK(second.lambda_val() == first.lambda_val());
  CHECK(first.lambda_val() != 0.01);
  require_error(ErrorCode::format, {"memory"}, [&] { second.load_state({}); });
}

TEST_CASE("targets that cannot be reached are refused") {
  const auto refused = [](const std::vector<std::pair<std::string, std::string>>& more,
                          const std::vector<std::string>& parts) {
    const Options options = relu_options(more);
    const auto model = Model::create(options);
    require_error(ErrorCode::invalid_argument, parts, [&] { GateControl(model->architecture(), options); });
  };
  refused({{"target_density", "0.5"}, {"target_macs", "0.5"}}, {"target_density", "target_macs"});
  refused({{"target_density", "0.5"}, {"lambda_val", "0"}}, {"lambda_val"});
  refused({{"target_macs", "0.001"}}, {"target_macs is 0.001", "without any active expert"});
  refused({{"target_density", "0.5"}, {"model", "resnet18"}}, {"target_density", "dense"});
}

TEST_CASE("a small run ends near its target density") {
  Options options = relu_options({{"target_density", "0.5"},
                                  {"lambda_val", "0.01"},
                                  {"epochs", "40"},
                                  {"batch_size", "16"},
                                  {"lr", "0.05"},
                                  {"num_workers", "1"}});
  Trainer trainer(Model::create(options), options);
  std::vector<double> weights;
  const nlohmann::json summary =
      trainer.fit(test::small_dataset("train", 256), test::small_dataset("test", 64),
                  [&](Event event, const nlohmann::json& details) {
                    if (event == Event::epoch) weights.push_back(details["lambda_val"].get<double>());
                    return 0;
                  });
  REQUIRE(weights.size() == 40);
  CHECK(weights.back() != 0.01);
  const nlohmann::json last = evaluate(*trainer.model(), test::small_dataset("test", 64), options, {});
  CHECK(last["density"].get<double>() == doctest::Approx(0.5).epsilon(0.1));
}
