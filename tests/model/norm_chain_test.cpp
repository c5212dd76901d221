#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "model/norm_chain.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <functional>
#include <limits>

using namespace deepmoe;

namespace {

enum class GateKind { none, before, behind };

struct Case {
  GateKind gate = GateKind::none;
  bool residual = false, relu = false, affine = true, use_batch = true;
  bool learnt_gates = true;
  std::optional<MaxPool> pool = std::nullopt;
  std::int64_t samples = 3, channels = 5, height = 6, width = 7;
  at::ScalarType type = at::kDouble;
  at::MemoryFormat format = at::MemoryFormat::Contiguous;
};

/// With the channels of a pixel side by side, and as many as that takes.
Case channels_last(Case setting) {
  setting.channels = 64;
  setting.format = at::MemoryFormat::ChannelsLast;
  return setting;
}

/// The tensors of one evaluation, and the gradients of everything that goes in.
struct Side {
  NormChain chain;
  at::Tensor output;
  std::vector<at::Tensor> inputs;
};

Side make_side(const Case& setting) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(7);
  const auto options = at::TensorOptions(setting.type);
  const auto random = [&](std::vector<std::int64_t> shape) {
    return at::empty(shape, options).normal_(0.3, 1.0, generator);
  };
  Side side;
  NormChain& chain = side.chain;
  const auto learn = [&](at::Tensor tensor) {
    tensor.set_requires_grad(true);
    side.inputs.push_back(tensor);
    return tensor;
  };
  const std::vector<std::int64_t> shape{setting.samples, setting.channels, setting.height, setting.width};
  at::Tensor input = random(shape);
  const at::Tensor scales = at::arange(setting.channels, options).remainder(5) + 1;
  input.mul_(scales.view({1, setting.channels, 1, 1})).add_(2.0);
  chain.input = learn(input.contiguous(setting.format));
  if (setting.affine) {
    chain.weight = learn(random({setting.channels}));
    chain.bias = learn(random({setting.channels}));
  }
  chain.running_mean = random({setting.channels});
  chain.running_var = random({setting.channels}).abs().add(0.5);
  chain.use_batch = setting.use_batch;
  if (setting.gate != GateKind::none) {
    at::Tensor gates = random({setting.samples, setting.channels}).relu();
    gates[0][1].zero_();
    gates.select(1, 3).zero_();  // an expert that is silent for every sample
    chain.gates = setting.learnt_gates ? learn(gates) : gates;
    chain.gate_first = setting.gate == GateKind::before;
  }
  if (setting.residual) chain.residual = learn(random(shape).contiguous(setting.format));
  chain.relu = setting.relu;
  chain.pool = setting.pool;
  return side;
}

void run(Side& side, at::Tensor (*evaluate)(const NormChain&)) {
  side.output = evaluate(side.chain);
  // Numbers that every type can hold.
  const at::Tensor weights = at::sin(at::arange(side.output.numel(), at::kDouble)).to(at::kBFloat16);
  (side.output * weights.to(side.output.scalar_type()).view(side.output.sizes())).sum().backward();
}

void check_case(const Case& setting, double tolerance) {
  Side fused = make_side(setting), composed = make_side(setting);
  REQUIRE(is_fusible(fused.chain));
  run(fused, evaluate_chain);
  run(composed, composed_chain);
  REQUIRE(fused.output.sizes() == composed.output.sizes());
  CHECK(fused.output.is_contiguous(setting.format));
  CHECK(at::allclose(fused.output, composed.output, tolerance, tolerance));
  CHECK(at::allclose(fused.chain.running_mean, composed.chain.running_mean, tolerance, tolerance));
  CHECK(at::allclose(fused.chain.running_var, composed.chain.running_var, tolerance, tolerance));
  for (std::size_t i = 0; i < fused.inputs.size(); ++i) {
    CAPTURE(i);
    REQUIRE(fused.inputs[i].grad().defined());
    const at::Tensor expected = composed.inputs[i].grad();
    const double size = expected.abs().max().item<double>();
    CHECK((fused.inputs[i].grad() - expected).abs().max().item<double>() <= tolerance * (1.0 + size));
  }
}

void for_every_case(const std::function<void(const Case&)>& check) {
  for (const GateKind gate : {GateKind::none, GateKind::before, GateKind::behind}) {
    for (int bits = 0; bits < 32; ++bits) {
      Case setting;
      setting.gate = gate;
      setting.residual = (bits & 1) != 0;
      setting.relu = (bits & 2) != 0;
      setting.affine = (bits & 4) != 0;
      setting.use_batch = (bits & 8) != 0;
      setting.learnt_gates = (bits & 16) != 0;
      CAPTURE(static_cast<int>(gate));
      CAPTURE(bits);
      check(setting);
    }
  }
}

}  // namespace

TEST_CASE("a chain around batch norm has the values and gradients of its parts") {
  for_every_case([](const Case& setting) {
    check_case(setting, 1e-10);
    check_case(channels_last(setting), 1e-10);
  });
}

TEST_CASE("a chain of single precision agrees with its parts") {
  for_every_case([](Case setting) {
    setting.type = at::kFloat;
    setting.height = 19;
    check_case(setting, 2e-4);
    check_case(channels_last(setting), 2e-4);
  });
}

TEST_CASE("a chain of bf16 activations is that of single precision rounded") {
  const auto check = [](Case setting) {
    setting.type = at::kFloat;
    Side exact = make_side(setting), rounded = make_side(setting);
    const c10::NoGradGuard no_gradient;
    for (Side* side : {&exact, &rounded}) {
      side->chain.input = side->chain.input.detach().to(at::kBFloat16).to(at::kFloat).set_requires_grad(true);
      side->inputs.front() = side->chain.input;
    }
    for (at::Tensor* tensor : {&rounded.chain.input, &rounded.chain.residual}) {
      if (!tensor->defined()) continue;
      const at::Tensor replaced = tensor->detach().to(at::kBFloat16).set_requires_grad(true);
      for (at::Tensor& input : rounded.inputs) {
        if (input.is_same(*tensor)) input = replaced;
      }
      *tensor = replaced;
    }
    const c10::AutoGradMode gradients(true);
    REQUIRE(is_fusible(rounded.chain));
    run(exact, composed_chain);
    run(rounded, evaluate_chain);
    REQUIRE((rounded.output.scalar_type() == at::kBFloat16));
    CHECK(at::allclose(rounded.output.to(at::kFloat), exact.output, 0.01, 0.02));
    CHECK(at::allclose(rounded.chain.running_mean, exact.chain.running_mean, 1e-4, 1e-4));
    CHECK(at::allclose(rounded.chain.running_var, exact.chain.running_var, 1e-4, 1e-4));
    for (std::size_t i = 0; i < exact.inputs.size(); ++i) {
      CAPTURE(i);
      REQUIRE((rounded.inputs[i].grad().scalar_type() == rounded.inputs[i].scalar_type()));
      // A rounded value near 0 may be on the other side of a ReLU.
      const at::Tensor difference = rounded.inputs[i].grad().to(at::kFloat) - exact.inputs[i].grad();
      CHECK(difference.norm().item<double>() <= 0.06 * exact.inputs[i].grad().norm().item<double>() + 1e-3);
    }
  };
  for_every_case([&](Case setting) {
    for (const auto& [height, width] : {std::pair{6, 7}, std::pair{9, 33}}) {
      setting.height = height;
      setting.width = width;
      check(setting);
      check(channels_last(setting));
    }
  });
  for (const std::int64_t stride : {1, 2}) {
    Case setting;
    setting.relu = true;
    setting.height = 8;
    setting.width = 35;
    setting.pool = MaxPool{.kernel = 3, .stride = stride, .padding = 1};
    check(setting);
    check(channels_last(setting));
  }
}

TEST_CASE("a chain that ends in a maximum has the values and gradients of its parts") {
  for (const GateKind gate : {GateKind::none, GateKind::before, GateKind::behind}) {
    for (const std::int64_t kernel : {1, 2, 3, 5}) {
      for (const std::int64_t stride : {1, 2, 3}) {
        for (std::int64_t padding = 0; padding <= kernel / 2; ++padding) {
          for (const auto& [height, width] : {std::pair{5, 5}, std::pair{6, 9}, std::pair{8, 35}}) {
            Case setting;
            setting.gate = gate;
            setting.relu = true;
            setting.pool = MaxPool{.kernel = kernel, .stride = stride, .padding = padding};
            setting.height = height;
            setting.width = width;
            CAPTURE(kernel);
            CAPTURE(stride);
            CAPTURE(padding);
            CAPTURE(width);
            check_case(setting, 1e-10);
            check_case(channels_last(setting), 1e-10);
            setting.type = at::kFloat;
            check_case(setting, 2e-4);
            check_case(channels_last(setting), 2e-4);
          }
        }
      }
    }
  }
}

TEST_CASE("a chain of planes far from zero keeps its precision") {
  Case setting;
  setting.relu = true;
  setting.type = at::kFloat;
  setting.height = 40;
  setting.width = 41;
  for (const Case& laid_out : {setting, channels_last(setting)}) {
    Side single = make_side(laid_out);
    single.chain.input = (single.chain.input + 1000.0F).detach();
    NormChain exact = single.chain;
    for (at::Tensor* tensor : {&exact.input, &exact.running_mean, &exact.running_var})
      *tensor = tensor->to(at::kDouble);
    exact.weight = single.chain.weight->to(at::kDouble);
    exact.bias = single.chain.bias->to(at::kDouble);
    const c10::NoGradGuard no_gradient;
    const at::Tensor expected = composed_chain(exact);
    CHECK(at::allclose(evaluate_chain(single.chain).to(at::kDouble), expected, 1e-3, 1e-3));
  }
}

TEST_CASE("a chain does not hide values that are not numbers") {
  Case setting;
  setting.relu = true;
  setting.use_batch = false;
  for (const bool pooled : {false, true}) {
    if (pooled) setting.pool = MaxPool{.kernel = 3, .stride = 2, .padding = 1};
    for (const Case& laid_out : {setting, channels_last(setting)}) {
      Side side = make_side(laid_out);
      const c10::NoGradGuard no_gradient;
      side.chain.input[1][2][3][4].fill_(std::numeric_limits<double>::quiet_NaN());
      const at::Tensor result = evaluate_chain(side.chain);
      CHECK(result.isnan().equal(composed_chain(side.chain).isnan()));
      CHECK(result[1][2].isnan().any().item<bool>());
    }
  }
}

TEST_CASE("a maximum over nothing but minus infinity has no gradient") {
  Case setting;
  setting.relu = true;
  setting.use_batch = false;
  setting.pool = MaxPool{.kernel = 3, .stride = 2, .padding = 1};
  for (const Case& laid_out : {setting, channels_last(setting)}) {
    Side fused = make_side(laid_out), composed = make_side(laid_out);
    for (const auto& [side, evaluate] :
         {std::pair(&fused, &evaluate_chain), std::pair(&composed, &composed_chain)}) {
      const c10::NoGradGuard no_gradient;
      side->chain.weight->abs_();
      side->chain.input[1][2].fill_(-std::numeric_limits<double>::infinity());
      const c10::AutoGradMode gradients(true);
      run(*side, evaluate);
    }
    CHECK(at::allclose(fused.output, composed.output));
    CHECK(at::allclose(fused.chain.bias->grad(), composed.chain.bias->grad()));
    CHECK(at::allclose(fused.chain.input.grad()[0], composed.chain.input.grad()[0]));
  }
}

TEST_CASE("a chain does not depend on the number of threads") {
  Case setting;
  setting.gate = GateKind::before;
  setting.relu = true;
  setting.type = at::kFloat;
  setting.channels = 9;
  setting.height = setting.width = 64;
  const int threads = at::get_num_threads();
  for (const Case& laid_out : {setting, channels_last(setting)}) {
    std::vector<Side> sides;
    for (const int count : {1, 4}) {
      at::set_num_threads(count);
      sides.push_back(make_side(laid_out));
      run(sides.back(), evaluate_chain);
    }
    at::set_num_threads(threads);
    CHECK(sides[0].output.equal(sides[1].output));
    for (std::size_t i = 0; i < sides[0].inputs.size(); ++i) {
      CHECK(sides[0].inputs[i].grad().equal(sides[1].inputs[i].grad()));
    }
  }
}

TEST_CASE("planes that are not contiguous or too small or too few or vectors take the parts one by one") {
  Case setting;
  setting.relu = true;
  Side side = make_side(setting);
  side.chain.input = side.chain.input.contiguous(at::MemoryFormat::ChannelsLast);
  CHECK_FALSE(is_fusible(side.chain));
  Side plain = make_side(setting);
  run(plain, composed_chain);
  CHECK(at::allclose(evaluate_chain(side.chain), plain.output, 1e-10, 1e-10));

  Case mixed_setting = channels_last(setting);
  mixed_setting.residual = true;
  Side mixed = make_side(mixed_setting), alike = make_side(mixed_setting);
  CHECK(is_fusible(mixed.chain));
  mixed.chain.residual = mixed.chain.residual.contiguous();
  CHECK_FALSE(is_fusible(mixed.chain));
  CHECK(at::allclose(evaluate_chain(mixed.chain), evaluate_chain(alike.chain), 1e-10, 1e-10));

  setting.height = setting.width = 2;
  CHECK_FALSE(is_fusible(make_side(setting).chain));
  Side vector = make_side(setting);
  vector.chain.input = vector.chain.input.select(3, 0).select(2, 0);
  CHECK_FALSE(is_fusible(vector.chain));
  CHECK(evaluate_chain(vector.chain).sizes() == vector.chain.input.sizes());
}
