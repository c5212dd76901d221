#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include <map>
#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "engine/engine.hpp"
#include "model/host_state.hpp"
#include "model/small_model.hpp"
#include "training/random_dataset.hpp"
#include "training/training.hpp"

using namespace deepmoe;

namespace {

Engine compiled(const Model& model) {
  std::map<std::string, std::vector<float>> parameters;
  for (const SharedTensor& tensor : host_state(model)) {
    const auto* const numbers = static_cast<const float*>(tensor.data);
    parameters[tensor.name].assign(numbers, numbers + tensor.elements());
  }
  return Engine(model.architecture(), [&](const std::string& name) { return parameters.at(name); }, {});
}

void check_same(Model& model, const Dataset& dataset, const nlohmann::json& ours,
                const nlohmann::json& expected) {
  CHECK(ours["samples"] == dataset.size());
  for (const auto& [name, value] : expected.items()) {
    CAPTURE(name);
    REQUIRE(ours.contains(name));
    if (!value.is_number() || name == "seconds" || name == "images_per_second") continue;
    CHECK(ours[name].get<double>() == doctest::Approx(value.get<double>()).epsilon(1e-4));
  }
  REQUIRE(ours["layers"].size() == model.architecture().gates().size());
  for (std::size_t i = 0; i < ours["layers"].size(); ++i) {
    CHECK(ours["layers"][i]["name"] == expected["layers"][i]["name"]);
    CHECK(ours["layers"][i]["density"].get<double>() ==
          doctest::Approx(expected["layers"][i]["density"].get<double>()).epsilon(1e-4));
  }
}

}  // namespace

TEST_CASE("an engine is evaluated to the numbers of its model") {
  const auto model = test::small_model();
  // Some gates off, so that densities say something.
  test::entry_of(*model, "layer1.0.gate1.fc.bias").detach().narrow(0, 0, 3).fill_(-9.0);
  const auto dataset = test::small_dataset("test", 37);
  for (const char* gate_norm : {"layer_mean_l1", "hoyer"}) {
    CAPTURE(gate_norm);
    Options options = model->options();
    options.set("batch_size", "10");
    options.set("lambda_val", "0.5");
    options.set("mu", "2");
    options.set("gate_norm", gate_norm);
    std::int64_t done = 0;
    const nlohmann::json ours =
        evaluate(compiled(*model), dataset, options, [&](Event event, const nlohmann::json& details) {
          CHECK(event == Event::validation);
          done = details["done"];
          return 0;
        });
    CHECK(done == 37);
    check_same(*model, *dataset, ours, evaluate(*model, dataset, options, {}));
    CHECK(ours["active_macs"].get<double>() < ours["dense_macs"].get<double>());
  }
}

TEST_CASE("an evaluation by the engine stops when asked") {
  const auto model = test::small_model();
  CHECK_THROWS_AS(evaluate(compiled(*model), test::small_dataset("test", 37), model->options(),
                           [](Event, const nlohmann::json&) { return 7; }),
                  Cancelled);
}
