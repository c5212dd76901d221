#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/optimizer.hpp"

#include <algorithm>
#include <limits>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "model/tensor_bridge.hpp"

using namespace deepmoe;

namespace {

Options options_of(const std::string& optimizer) {
  Options options;
  options.set("optimizer", optimizer);
  options.set("lr_decay", "0.1");
  return options;
}

/// A convolution's weights, channels last in memory, and a bias.
std::vector<TrainedParameter> two_parameters() {
  const at::Tensor weight = at::arange(48, at::kFloat).sub(20.0).div(17.0).reshape({3, 4, 2, 2});
  return {
      {"conv.weight", weight.contiguous(at::MemoryFormat::ChannelsLast).set_requires_grad(true), true, 0.5},
      {"conv.bias", at::arange(3, at::kFloat).set_requires_grad(true), false}};
}

std::vector<TrainedParameter> copies_of(const std::vector<TrainedParameter>& parameters) {
  std::vector<TrainedParameter> copies = parameters;
  for (TrainedParameter& copy : copies) copy.tensor = copy.tensor.detach().clone().set_requires_grad(true);
  return copies;
}

/// Steps first, first + 1, ... before last; the bias has no gradient in the second one.
void run_steps(Optimizer& optimizer, const std::vector<TrainedParameter>& parameters, int first, int last) {
  for (int step = first; step < last; ++step) {
    for (const TrainedParameter& parameter : parameters) {
      const at::Tensor& tensor = parameter.tensor;
      if (step == 1 && parameter.name == "conv.bias") {
        tensor.mutable_grad() = at::Tensor();
      } else {
        tensor.mutable_grad() =
            at::arange(tensor.numel(), at::kFloat).add(7.0 * step).sin().reshape(tensor.sizes());
      }
    }
    optimizer.step(0.03);
  }
}

bool equal(const std::vector<TrainedParameter>& left, const std::vector<TrainedParameter>& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto& one, const auto& other) { return one.tensor.equal(other.tensor); });
}

/// The state as a file would give it back, the last tensor first.
std::vector<SharedTensor> through_file(const std::vector<SharedTensor>& state) {
  const TemporaryFolder folder;
  std::vector<TensorView> views;
  for (const SharedTensor& tensor : state) {
    const at::Tensor values = to_torch(tensor);
    views.push_back(
        {tensor.name,
         tensor.type,
         tensor.shape,
         {static_cast<const std::byte*>(tensor.data), static_cast<std::size_t>(values.nbytes())}});
  }
  write_safetensors(folder.file("state.safetensors"), views, {});
  const SafetensorsFile file(folder.file("state.safetensors"));
  std::vector<SharedTensor> read;
  for (const TensorView& view : file.tensors()) {
    SharedTensor tensor;
    tensor.name = view.name;
    tensor.type = view.type;
    tensor.shape = view.shape;
    const auto bytes = std::make_shared<std::vector<std::byte>>(view.data.begin(), view.data.end());
    tensor.data = bytes->data();
    tensor.owner = bytes;
    read.insert(read.begin(), tensor);
  }
  return read;
}

}  // namespace

TEST_CASE("an optimizer goes on bit for bit from the state of another") {
  for (const std::string_view name : option_declaration("optimizer").choices) {
    CAPTURE(name);
    const Options options = options_of(std::string(name));
    const std::vector<TrainedParameter> parameters = two_parameters();
    const auto optimizer = make_optimizer(parameters, options);
    run_steps(*optimizer, parameters, 0, 3);

    const std::vector<TrainedParameter> resumed = copies_of(parameters), without = copies_of(parameters);
    const auto successor = make_optimizer(resumed, options);
    successor->load_state(through_file(optimizer->state()));
    run_steps(*optimizer, parameters, 3, 6);
    run_steps(*successor, resumed, 3, 6);
    CHECK(equal(parameters, resumed));
    const std::vector<SharedTensor> state = optimizer->state(), other = successor->state();
    REQUIRE(state.size() == other.size());
    for (std::size_t i = 0; i < state.size(); ++i) {
      CHECK(state[i].name == other[i].name);
      CHECK(to_torch(state[i]).equal(to_torch(other[i])));
    }

    const auto forgetful = make_optimizer(without, options);
    run_steps(*forgetful, without, 3, 6);
    CHECK_FALSE(equal(parameters, without));
  }
}

TEST_CASE("a learning rate on the device does what the number does") {
  for (const char* name : {"sgd", "adam", "adamw"}) {
    CAPTURE(name);
    const auto parameters = two_parameters(), others = copies_of(parameters);
    const auto by_number = make_optimizer(parameters, options_of(name));
    const auto on_device = make_optimizer(others, options_of(name));
    REQUIRE(on_device->works_on_device());
    for (int step = 0; step < 3; ++step) {
      for (const auto& list : {parameters, others}) {
        for (const TrainedParameter& parameter : list) {
          parameter.tensor.mutable_grad() = at::ones_like(parameter.tensor).mul(step + 1.0);
        }
      }
      by_number->step(0.25);
      on_device->step(at::full({}, 0.25, at::kFloat));
    }
    CHECK(equal(parameters, others));
    CHECK_FALSE(parameters[1].tensor.equal(two_parameters()[1].tensor));
  }
  CHECK_FALSE(make_optimizer(two_parameters(), options_of("adamax"))->works_on_device());
}

TEST_CASE("a step that is left out on the device changes nothing and does not count") {
  for (const char* name : {"sgd", "adam", "adamw"}) {
    CAPTURE(name);
    const auto parameters = two_parameters(), others = copies_of(parameters);
    const auto all = make_optimizer(parameters, options_of(name));
    const auto some = make_optimizer(others, options_of(name));
    run_steps(*all, parameters, 2, 3);
    run_steps(*some, others, 2, 3);
    for (const TrainedParameter& parameter : others) {
      parameter.tensor.mutable_grad() =
          at::full_like(parameter.tensor, std::numeric_limits<double>::infinity());
    }
    some->step(0.03, at::ones({}));
    CHECK(equal(parameters, others));
    some->step(at::full({}, 0.03, at::kFloat), at::ones({}));
    run_steps(*all, parameters, 3, 4);
    run_steps(*some, others, 3, 4);
    CHECK(equal(parameters, others));
  }
}

TEST_CASE("the state names each parameter's memory as torch.optim does") {
  const std::vector<std::pair<std::string, std::vector<std::string>>> expected = {
      {"sgd", {"momentum_buffer"}},
      {"adam", {"exp_avg", "exp_avg_sq", "step"}},
      {"adamw", {"exp_avg", "exp_avg_sq", "step"}},
      {"adamax", {"exp_avg", "exp_inf", "step"}},
      {"rmsprop", {"square_avg", "momentum_buffer"}},
      {"adagrad", {"sum", "step"}},
      {"adadelta", {"square_avg", "acc_delta"}}};
  for (const auto& [name, slots] : expected) {
    const std::vector<TrainedParameter> parameters = two_parameters();
    const auto optimizer = make_optimizer(parameters, options_of(name));
    run_steps(*optimizer, parameters, 0, 3);
    std::vector<std::string> names;
    for (const SharedTensor& tensor : optimizer->state()) {
      names.push_back(tensor.name);
      if (tensor.name == "conv.weight.step") CHECK(to_torch(tensor).item<double>() == 3.0);
      if (tensor.name == "conv.bias.step") CHECK(to_torch(tensor).item<double>() == 2.0);
    }
    std::vector<std::string> wanted;
    for (const char* parameter : {"conv.weight.", "conv.bias."}) {
      for (const std::string& slot : slots) wanted.push_back(parameter + slot);
    }
    CHECK(names == wanted);
  }
}

TEST_CASE("a state that does not fit is refused and changes nothing") {
  const std::vector<TrainedParameter> parameters = two_parameters();
  const auto optimizer = make_optimizer(parameters, options_of("adam"));
  run_steps(*optimizer, parameters, 0, 2);
  const std::vector<SharedTensor> good = through_file(optimizer->state());
  const auto other = make_optimizer(two_parameters(), options_of("adam"));
  const auto refuse = [&](const std::vector<std::string>& words, const std::vector<SharedTensor>& state) {
    require_error(ErrorCode::format, words, [&] { other->load_state(state); });
    for (const SharedTensor& tensor : other->state()) CHECK(to_torch(tensor).eq(0).all().item<bool>());
  };
  std::vector<SharedTensor> state = good;
  state.pop_back();
  refuse({"no 'conv.weight.exp_avg'"}, state);
  state = good;
  state.push_back(to_shared("fc.weight.exp_avg", at::zeros({2})));
  refuse({"'fc.weight.exp_avg'", "does not keep"}, state);
  state = good;
  state.push_back(state.front());
  refuse({"'conv.bias.step' twice"}, state);
  state = good;
  state.back() = to_shared("conv.weight.exp_avg", at::zeros({3, 4, 2}));
  refuse({"'conv.weight.exp_avg'", "[3, 4, 2]", "[3, 4, 2, 2]"}, state);
  state.back() = to_shared("conv.weight.exp_avg", at::zeros({3, 4, 2, 2}, at::kDouble));
  refuse({"'conv.weight.exp_avg'", "Double", "Float"}, state);
  refuse({"momentum_buffer"}, [&] {
    std::vector<SharedTensor> of_sgd;
    const auto sgd = make_optimizer(two_parameters(), options_of("sgd"));
    for (const SharedTensor& tensor : sgd->state()) of_sgd.push_back(tensor);
    of_sgd.insert(of_sgd.end(), good.begin(), good.end());
    return of_sgd;
  }());
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
