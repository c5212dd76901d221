#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/optimizer_rules.hpp"

#include <cmath>
#include <set>

#include "training/torch_numbers.hpp"

using namespace deepmoe;
using nlohmann::json;

namespace {

/// The parameters, gradients and learning rates of torch_optim.py.
std::vector<TrainedParameter> parameters_of(const json& groups) {
  std::vector<TrainedParameter> parameters;
  for (std::size_t p = 0; p < 2; ++p) {
    at::Tensor values = at::arange(p == 0 ? 6 : 3, at::kFloat).div(4.0).add(static_cast<double>(p) - 0.5);
    if (p == 0) values = values.reshape({2, 3});
    const double decay_factor = groups[p]["decays"] ? 1.0 : 0.0;
    parameters.push_back(
        {p == 0 ? "first" : "second", values.set_requires_grad(true), decay_factor, groups[p]["lr_factor"]});
  }
  return parameters;
}

at::Tensor gradient(int parameter, int step, const at::Tensor& like) {
  std::vector<float> numbers;
  for (int i = 0; i < like.numel(); ++i) {
    numbers.push_back(static_cast<float>((7 * step + 3 * i + 5 * parameter) % 11 - 5) / 8.0F);
  }
  return at::tensor(numbers, at::kFloat).reshape(like.sizes());
}

void compare(const json& expected) {
  Options options;
  options.set_json(expected["options"]);
  const std::vector<TrainedParameter> parameters = parameters_of(expected["groups"]);
  const auto optimizer = make_optimizer(parameters, options);
  for (int step = 0; step < 6; ++step) {
    for (int p = 0; p < 2; ++p) {
      const at::Tensor& tensor = parameters[static_cast<std::size_t>(p)].tensor;
      const bool without = step == 3 && p == 1;
      tensor.mutable_grad() = without ? at::Tensor() : gradient(p, step, tensor);
    }
    optimizer->step(options.real("lr") / (1.0 + step));
    for (std::size_t p = 0; p < 2; ++p) {
      const at::Tensor values = parameters[p].tensor.detach().flatten();
      const json& wanted = expected["steps"][static_cast<std::size_t>(step)][p];
      REQUIRE(wanted.size() == static_cast<std::size_t>(values.numel()));
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        const double value = values[static_cast<std::int64_t>(i)].item<double>(), number = wanted[i];
        CAPTURE(step);
        CAPTURE(p);
        CAPTURE(i);
        CAPTURE(value);
        CAPTURE(number);
        CHECK(std::abs(value - number) <= 2e-6 * std::max(1.0, std::abs(number)));
      }
      const at::Tensor& left = parameters[p].tensor.grad();
      if (left.defined()) CHECK(left.equal(gradient(static_cast<int>(p), step, left)));
    }
  }
}

}  // namespace

TEST_CASE("every optimizer follows torch.optim step by step") {
  std::set<std::string> compared;
  const json numbers = test::torch_numbers();
  for (const json& expected : numbers["optimizers"]) {
    const std::string options = expected["options"].dump();
    CAPTURE(options);
    compare(expected);
    compared.insert(expected["options"]["optimizer"]);
  }
  CHECK(compared.size() == option_declaration("optimizer").choices.size());
}

TEST_CASE("Nesterov's momentum has no effect without momentum") {
  const auto weight_after = [](const char* nesterov) {
    Options options;
    options.set_json({{"optimizer", "sgd"}, {"momentum", 0}, {"nesterov", nesterov}, {"weight_decay", 0}});
    const at::Tensor weight = at::ones({1}).set_requires_grad(true);
    const auto optimizer = make_optimizer({{"weight", weight}}, options);
    for (int step = 0; step < 2; ++step) {
      weight.mutable_grad() = at::ones({1});
      optimizer->step(0.25);
    }
    return weight.item<double>();
  };
  CHECK(weight_after("true") == 0.5);
  CHECK(weight_after("false") == 0.5);
}
