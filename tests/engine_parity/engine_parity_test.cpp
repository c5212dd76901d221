#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "architecture/gate_selection.hpp"
#include "engine/engine.hpp"
#include "engine/kernels.hpp"
#include "model/small_model.hpp"

using namespace deepmoe;
using Settings = std::vector<std::pair<std::string, std::string>>;

namespace {

enum class Pattern { random, all_active, none_active, one_active };
const char* name_of(Pattern pattern) {
  constexpr const char* names[] = {"random gates", "all active", "none active", "one active"};
  return names[static_cast<int>(pattern)];
}

/// Gives a new model's norms and gate heads numbers that hide no mistake, and its gates the pattern.
void disturb(Model& model, Pattern pattern, std::mt19937& random) {
  const c10::NoGradGuard no_gradient;
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(random());
  for (const Network::Entry& entry : model.network().state()) {
    const std::string& name = entry.specification.name;
    at::Tensor tensor = entry.tensor;
    const auto ends_with = [&](const char* ending) { return name.ends_with(ending); };
    if (ends_with("running_var")) {
      tensor.uniform_(0.4, 1.6, generator);
    } else if (ends_with("running_mean")) {
      tensor.normal_(0.0, 0.3, generator);
    } else if (ends_with("fc.bias") && !name.starts_with("fc.")) {
      tensor.normal_(0.0, 0.7, generator);
      if (pattern == Pattern::all_active) tensor.fill_(0.9);
      if (pattern == Pattern::none_active) tensor.fill_(-100.0);
      if (pattern == Pattern::one_active) {
        tensor.fill_(-100.0);
        tensor[static_cast<std::int64_t>(random() % static_cast<std::size_t>(tensor.size(0)))].fill_(1.3);
      }
    } else if (ends_with("fc.weight") && !name.starts_with("fc.")) {
      tensor.normal_(0.0, pattern == Pattern::random ? 2.0 : 0.01, generator);
    } else if (ends_with(".bias")) {
      tensor.normal_(0.0, 0.3, generator);
    } else if (tensor.dim() == 1 && ends_with(".weight")) {
      tensor.uniform_(0.6, 1.4, generator);
    }
  }
}

ReadParameter parameters_of(Model& model) {
  return [&model](const std::string& name) {
    const at::Tensor tensor = test::entry_of(model, name).detach().contiguous();
    return std::vector<float>(tensor.const_data_ptr<float>(),
                              tensor.const_data_ptr<float>() + tensor.numel());
  };
}

/// The engine's outputs as tensors.
struct EngineOutputs {
  at::Tensor logits, embedding, gates;
  std::int64_t active_macs = 0;
};

EngineOutputs run(const Engine& engine, const at::Tensor& images) {
  const Architecture& architecture = engine.architecture();
  const std::int64_t batch = images.size(0);
  EngineOutputs outputs;
  outputs.logits = at::full({batch, architecture.num_classes()}, -7.0F);
  outputs.gates = at::empty({batch, engine.experts()});
  EngineRun call;
  const at::Tensor contiguous = images.contiguous();
  call.images = contiguous.const_data_ptr<float>();
  call.batch_size = batch;
  call.logits = outputs.logits.mutable_data_ptr<float>();
  if (architecture.gated()) {
    const Shape shape = infer_shapes(architecture)[static_cast<std::size_t>(architecture.embedding)];
    outputs.embedding = at::empty({batch, shape.channels});
    call.embedding = outputs.embedding.mutable_data_ptr<float>();
    call.gates = outputs.gates.mutable_data_ptr<float>();
  }
  engine.run(call);
  outputs.active_macs = call.active_macs;
  return outputs;
}

double relative_error(const at::Tensor& ours, const at::Tensor& reference) {
  const double largest = std::max(reference.abs().max().item<double>(), 1e-20);
  return (ours - reference).abs().max().item<double>() / largest;
}

/// The largest error of logits, embedding and gates, relative to the largest of each.
double compare(Model& model, const EngineSettings& settings, const at::Tensor& images) {
  const c10::NoGradGuard no_gradient;
  const Network::Outputs expected = model.network().forward(images, false);
  const Engine engine(model.architecture(), parameters_of(model), settings);
  const EngineOutputs outputs = run(engine, images);
  double error = relative_error(outputs.logits, expected.logits);
  if (!model.architecture().gated()) return error;
  error = std::max(error, relative_error(outputs.embedding, expected.embedding));
  const at::Tensor gates = at::cat(expected.gates, 1);
  return std::max(error, relative_error(outputs.gates, gates));
}

struct Family {
  const char* model;
  std::int64_t batch_size;
};
constexpr Family families[] = {{"resnet18", 3},     {"resnet18_moe", 5},   {"resnet34_moe", 2},
                               {"resnet50", 2},     {"resnet50_moe_a", 3}, {"resnet50_moe_b", 3},
                               {"vgg11_moe", 3},    {"vgg11_bn_moe", 17},  {"vgg16", 2},
                               {"vgg16_bn_moe", 4}, {"vgg19_bn", 2}};

/// A random small network of a family.
std::shared_ptr<Model> random_model(const Family& family, const std::string& gate_position,
                                    const std::string& variant, Pattern pattern, std::mt19937& random,
                                    std::int64_t& image_size) {
  constexpr const char* widths[] = {"0.05", "0.1", "0.17"};
  // VGG halves a plane five times.
  const std::int64_t smallest = std::string(family.model).starts_with("vgg") ? 32
                                : variant == "cifar"                         ? 5
                                                                             : 33;
  image_size = smallest + static_cast<std::int64_t>(random() % 14);
  Settings settings{{"model", family.model}, {"width", widths[random() % 3]},
                    {"variant", variant},    {"image_size", std::to_string(image_size)},
                    {"num_classes", "7"},    {"seed", std::to_string(random() % 1000)}};
  if (std::string(family.model).find("moe") != std::string::npos) {
    settings.insert(settings.end(),
                    {{"gate_position", gate_position}, {"gate_bias", "true"}, {"embedding_dim", "20"}});
  }
  const std::shared_ptr<Model> model = test::small_model(settings);
  disturb(*model, pattern, random);
  return model;
}

}  // namespace

TEST_CASE("the engine equals the model for every family and gate position and pattern of gates") {
  std::mt19937 random(20);
  double worst = 0;
  for (const Family& family : families) {
    for (const char* position : {"post_bn", "pre_bn", "input"}) {
      for (const char* variant : {"cifar", "imagenet"}) {
        for (const Pattern pattern :
             {Pattern::random, Pattern::all_active, Pattern::none_active, Pattern::one_active}) {
          const bool gated = std::string(family.model).find("moe") != std::string::npos;
          if (!gated && (pattern != Pattern::random || std::string(position) != "post_bn")) continue;
          std::int64_t size = 0;
          const auto model = random_model(family, position, variant, pattern, random, size);
          const at::Tensor images = test::random_images(family.batch_size, size, random());
          const double error = compare(*model, {}, images);
          INFO(family.model, " ", position, " ", variant, " ", name_of(pattern), " at ", size, " pixels");
          CHECK(error < 1e-4);
          worst = std::max(worst, error);
        }
      }
    }
  }
  MESSAGE("largest error relative to the largest number: ", worst);
}

TEST_CASE("the engine keeps the same experts as the model where gates have a limit") {
  std::mt19937 random(21);
  for (const Family& family : families) {
    if (std::string(family.model).find("moe") == std::string::npos) continue;
    for (const char* position : {"post_bn", "pre_bn", "input"}) {
      std::int64_t size = 0;
      const auto model = random_model(family, position, "cifar", Pattern::random, random, size);
      std::vector<std::int64_t> limits;
      for (const std::int64_t experts : expert_counts(model->architecture())) {
        limits.push_back(static_cast<std::int64_t>(random() % static_cast<std::size_t>(experts + 2)));
      }
      model->set_gate_limits(limits);
      model->set_gate_influence(0.5);
      INFO(family.model, " ", position);
      CHECK(compare(*model, {}, test::random_images(family.batch_size, size, random())) < 1e-4);
    }
  }
}

TEST_CASE("what is not a number in an image is seen in its results and in those of no other image") {
  const c10::NoGradGuard no_gradient;
  for (const bool limited : {false, true}) {
    const auto model =
        test::small_model({{"model", "resnet18_moe"}, {"variant", "cifar"}, {"image_size", "16"}});
    std::mt19937 random(22);
    disturb(*model, Pattern::random, random);
    model->set_gate_influence(1.0);
    if (limited) {
      std::vector<std::int64_t> limits = expert_counts(model->architecture());
      for (std::int64_t& limit : limits) limit = std::max<std::int64_t>(1, limit / 2);
      model->set_gate_limits(limits);
    }
    at::Tensor images = test::random_images(3, 16);
    images[1][0][2][3].fill_(std::numeric_limits<float>::quiet_NaN());
    const Network::Outputs expected = model->network().forward(images, false);
    const Engine engine(model->architecture(), parameters_of(*model), {});
    const EngineOutputs outputs = run(engine, images);
    CAPTURE(limited);
    CHECK(outputs.logits[1].isnan().all().item<bool>());
    CHECK(outputs.gates[1].isnan().any().item<bool>());
    CHECK(at::equal(outputs.logits.isnan(), expected.logits.isnan()));
    const at::Tensor seen = at::cat(expected.gates, 1).isnan().any(1);
    CHECK(at::equal(outputs.gates.isnan().any(1), seen));
  }
}

TEST_CASE("the engine equals the model at full width") {
  std::mt19937 random(3);
  for (const char* name : {"resnet18_moe", "vgg16_bn_moe"}) {
    for (const char* position : {"post_bn", "pre_bn"}) {
      const auto model = test::small_model({{"model", name},
                                            {"width", "1"},
                                            {"variant", "cifar"},
                                            {"image_size", "32"},
                                            {"gate_position", position},
                                            {"gate_bias", "true"}});
      disturb(*model, Pattern::random, random);
      INFO(name, " ", position);
      // More samples than pass through the early layers together, and one, which the threads share.
      CHECK(compare(*model, {}, test::random_images(19, 32, random())) < 1e-4);
      EngineSettings settings;
      for (settings.threads = 1; settings.threads <= 2; ++settings.threads)
        CHECK(compare(*model, settings, test::random_images(1, 32, random())) < 1e-4);
    }
  }
}

TEST_CASE("weights in bfloat16 take half the memory and leave the active experts as they are") {
  std::mt19937 random(4);
  for (const char* name : {"resnet18_moe", "vgg16_bn_moe"}) {
    const auto model =
        test::small_model({{"model", name}, {"width", "1"}, {"variant", "cifar"}, {"image_size", "32"}});
    disturb(*model, Pattern::random, random);
    const Engine whole(model->architecture(), parameters_of(*model), {});
    EngineSettings settings;
    settings.precision = WeightPrecision::bf16;
    const Engine half(model->architecture(), parameters_of(*model), settings);
    const at::Tensor images = test::random_images(9, 32, random());
    const EngineOutputs expected = run(whole, images), outputs = run(half, images);
    CHECK(at::equal(outputs.gates, expected.gates));
    const double error = relative_error(outputs.logits, expected.logits);
    INFO(name);
    MESSAGE("error of logits relative to the largest: ", error);
    CHECK(error < 0.02);
    CHECK(error > 0);
    CHECK(half.describe()["weight_bytes"].get<double>() <
          0.55 * whole.describe()["weight_bytes"].get<double>());
    CHECK(half.describe()["precision"] == "bf16");
  }
}

TEST_CASE("the engine without skipping equals the model") {
  std::mt19937 random(5);
  for (const char* position : {"post_bn", "pre_bn", "input"}) {
    std::int64_t size = 0;
    const auto model = random_model({"resnet18_moe", 0}, position, "cifar", Pattern::random, random, size);
    EngineSettings settings;
    settings.skip = false;
    CHECK(compare(*model, settings, test::random_images(4, size, 1)) < 1e-4);
  }
}

TEST_CASE("the engine equals the model with every instruction set of this machine") {
  std::mt19937 random(6);
  for (const std::string& target : kernel_targets()) {
    for (const char* name : {"resnet18_moe", "resnet50_moe_a", "vgg11_bn_moe"}) {
      std::int64_t size = 0;
      const auto model = random_model({name, 0}, "pre_bn", "cifar", Pattern::random, random, size);
      EngineSettings settings;
      settings.target = target;
      INFO(target, " ", name);
      CHECK(compare(*model, settings, test::random_images(3, size, 1)) < 1e-4);
    }
  }
}

TEST_CASE("the engine gives the same numbers with any number of threads and any batch") {
  std::mt19937 random(8);
  std::int64_t size = 0;
  const auto model = random_model({"resnet18_moe", 0}, "post_bn", "cifar", Pattern::random, random, size);
  const at::Tensor images = test::random_images(37, size, 2);
  const Engine one(model->architecture(), parameters_of(*model), {});
  const at::Tensor expected = run(one, images).logits;
  for (const int threads : {2, 3, 8}) {
    EngineSettings settings;
    settings.threads = threads;
    const Engine several(model->architecture(), parameters_of(*model), settings);
    INFO(threads, " threads");
    CHECK(relative_error(run(several, images).logits, expected) < 1e-6);
    CHECK(relative_error(run(several, images.narrow(0, 5, 1)).logits, expected.narrow(0, 5, 1)) < 1e-6);
  }
}

TEST_CASE("many threads run one engine at the same time") {
  std::mt19937 random(9);
  std::int64_t size = 0;
  const auto model = random_model({"vgg11_bn_moe", 0}, "post_bn", "cifar", Pattern::random, random, size);
  const at::Tensor images = test::random_images(6, size, 2);
  for (const int threads : {1, 2}) {
    EngineSettings settings;
    settings.threads = threads;
    const Engine engine(model->architecture(), parameters_of(*model), settings);
    const at::Tensor expected = run(engine, images).logits;
    std::vector<double> errors(4, 1.0);
    std::vector<std::thread> callers;
    for (double& error : errors) {
      callers.emplace_back([&] {
        error = 0;
        for (int round = 0; round < 5; ++round)
          error = std::max(error, relative_error(run(engine, images).logits, expected));
      });
    }
    for (std::thread& caller : callers) caller.join();
    for (const double error : errors) CHECK(error < 1e-6);
  }
}

TEST_CASE("active multiply-accumulates of the engine are those of the gates") {
  std::mt19937 random(10);
  for (const char* position : {"post_bn", "pre_bn", "input"}) {
    std::int64_t size = 0;
    const auto model = random_model({"vgg11_bn_moe", 0}, position, "cifar", Pattern::random, random, size);
    const Engine engine(model->architecture(), parameters_of(*model), {});
    const at::Tensor images = test::random_images(1, size, 4);
    const EngineOutputs outputs = run(engine, images);
    std::vector<double> densities;
    std::int64_t first = 0;
    const Cost costs = cost(model->architecture(), size);
    const std::vector<Shape> shapes = infer_shapes(model->architecture(), size);
    for (const std::int32_t gate : model->architecture().gates()) {
      const std::int64_t experts = shapes[static_cast<std::size_t>(gate)].channels;
      densities.push_back(
          outputs.gates.narrow(1, first, experts).gt(0).to(at::kDouble).mean().item<double>());
      first += experts;
    }
    const double expected = active_macs(model->architecture(), costs, densities);
    INFO(position);
    CHECK(static_cast<double>(outputs.active_macs) == doctest::Approx(expected).epsilon(0.02));
    CHECK(outputs.active_macs < costs.dense_macs);
  }
}
