#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/optimizer.hpp"

#include <cmath>

#include "base/require_error.hpp"

using namespace deepmoe;

namespace {

/// One number that learns, and its optimizer's memory: the arithmetic of torch.optim written out.
struct Number {
  double value, momentum_buffer = 0.0, mean = 0.0, square = 0.0;
  int step = 0;

  void sgd(double gradient, double lr, double momentum, bool nesterov, double decay) {
    gradient += decay * value;
    momentum_buffer = step++ == 0 ? gradient : momentum * momentum_buffer + gradient;
    value -= lr * (momentum == 0.0 ? gradient
                   : nesterov      ? gradient + momentum * momentum_buffer
                                   : momentum_buffer);
  }
  void adam(double gradient, double lr, double decay, bool decoupled) {
    ++step;
    if (decoupled) value -= lr * decay * value;
    if (!decoupled) gradient += decay * value;
    mean = 0.9 * mean + 0.1 * gradient;
    square = 0.999 * square + 0.001 * gradient * gradient;
    const double corrected_mean = mean / (1.0 - std::pow(0.9, step));
    const double corrected_square = square / (1.0 - std::pow(0.999, step));
    value -= lr * corrected_mean / (std::sqrt(corrected_square) + 1e-8);
  }
};

double gradient_at(std::size_t parameter, int index, int step) {
  return std::sin(1.0 + 3.0 * static_cast<double>(parameter) + index + 7.0 * step);
}

Options options_of(const std::vector<std::pair<std::string, std::string>>& values) {
  Options options;
  for (const auto& [name, value] : values) options.set(name, value);
  return options;
}

/// Six steps over two tensors, one of which gets no gradient in the fourth step.
template <class Step>
void compare(const Options& options, const Step& expected_step) {
  std::vector<at::Tensor> parameters{at::arange(5, at::kFloat).add(1.0).set_requires_grad(true),
                                     at::arange(3, at::kFloat).mul(-0.5).sub(0.1).set_requires_grad(true)};
  std::vector<std::vector<Number>> numbers(2);
  for (std::size_t p = 0; p < 2; ++p) {
    for (int i = 0; i < parameters[p].numel(); ++i) numbers[p].push_back({parameters[p][i].item<double>()});
  }
  const auto optimizer = make_optimizer(parameters, options);
  for (int step = 0; step < 6; ++step) {
    const double lr = 0.1 / (1.0 + step);
    for (std::size_t p = 0; p < 2; ++p) {
      if (p == 1 && step == 3) {
        parameters[p].mutable_grad().reset();
        continue;
      }
      std::vector<float> gradient;
      for (int i = 0; i < parameters[p].numel(); ++i)
        gradient.push_back(static_cast<float>(gradient_at(p, i, step)));
      parameters[p].mutable_grad() = at::tensor(gradient, at::kFloat);
      for (int i = 0; i < parameters[p].numel(); ++i) {
        expected_step(numbers[p][static_cast<std::size_t>(i)], gradient_at(p, i, step), lr);
      }
    }
    optimizer->step(lr);
  }
  for (std::size_t p = 0; p < 2; ++p) {
    for (int i = 0; i < parameters[p].numel(); ++i) {
      CHECK(parameters[p][i].item<double>() ==
            doctest::Approx(numbers[p][static_cast<std::size_t>(i)].value).epsilon(1e-4));
    }
  }
}

}  // namespace

TEST_CASE("sgd with momentum and Nesterov and weight decay follows torch.optim") {
  compare(
      options_of({{"optimizer", "sgd"}, {"momentum", "0.9"}, {"nesterov", "true"}, {"weight_decay", "0.01"}}),
      [](Number& number, double gradient, double lr) { number.sgd(gradient, lr, 0.9, true, 0.01); });
  compare(
      options_of({{"optimizer", "sgd"}, {"momentum", "0.8"}, {"nesterov", "false"}, {"weight_decay", "0"}}),
      [](Number& number, double gradient, double lr) { number.sgd(gradient, lr, 0.8, false, 0.0); });
  compare(
      options_of({{"optimizer", "sgd"}, {"momentum", "0"}, {"nesterov", "false"}, {"weight_decay", "0.1"}}),
      [](Number& number, double gradient, double lr) { number.sgd(gradient, lr, 0.0, false, 0.1); });
}

TEST_CASE("adam follows torch.optim") {
  compare(options_of({{"optimizer", "adam"}, {"weight_decay", "0.05"}}),
          [](Number& number, double gradient, double lr) { number.adam(gradient, lr, 0.05, false); });
}

TEST_CASE("adamw follows torch.optim") {
  compare(options_of({{"optimizer", "adamw"}, {"weight_decay", "0.05"}}),
          [](Number& number, double gradient, double lr) { number.adam(gradient, lr, 0.05, true); });
}

TEST_CASE("Nesterov without momentum and betas out of range are refused") {
  require_error(ErrorCode::invalid_argument, {"nesterov", "momentum"}, [] {
    make_optimizer({}, options_of({{"optimizer", "sgd"}, {"momentum", "0"}}));
  });
  require_error(ErrorCode::invalid_argument, {"betas"}, [] {
    make_optimizer({}, options_of({{"optimizer", "adam"}, {"betas", "0.9,1.5"}}));
  });
  require_error(ErrorCode::invalid_argument, {"betas"}, [] {
    make_optimizer({}, options_of({{"optimizer", "adam"}, {"betas", "0.9"}}));
  });
}

TEST_CASE("clipping limits the joint norm and leaves small gradients") {
  std::vector<at::Tensor> parameters{at::zeros({2}).set_requires_grad(true),
                                     at::zeros({1}).set_requires_grad(true),
                                     at::zeros({4}).set_requires_grad(true)};
  parameters[0].mutable_grad() = at::tensor(std::vector<float>{3.0F, 0.0F});
  parameters[1].mutable_grad() = at::tensor(std::vector<float>{4.0F});
  clip_gradients(parameters, 10.0);
  CHECK(parameters[1].grad().item<float>() == doctest::Approx(4.0F));
  clip_gradients(parameters, 1.0);
  CHECK(parameters[0].grad()[0].item<float>() == doctest::Approx(0.6F).epsilon(1e-4));
  CHECK(parameters[1].grad().item<float>() == doctest::Approx(0.8F).epsilon(1e-4));
}
