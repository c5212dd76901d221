#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/step_graph.hpp"

#include <nlohmann/json.hpp>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "base/require_error.hpp"
#include "model/cuda_library.hpp"
#include "model/device.hpp"
#include "model/small_model.hpp"
#include "model/tensor_bridge.hpp"
#include "training/trainer.hpp"

using namespace deepmoe;
using test::random_images;
using test::small_options;

namespace {

/// Records on the CPU: what was recorded is done again as it is, with the tensors of the recording.
class HostLibrary : public CudaLibrary {
 public:
  std::unique_ptr<CudaGraph> make_graph(const at::Device&, const at::Generator&) const override {
    return std::make_unique<HostGraph>(*this);
  }
  c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>&, int, int,
                                              std::chrono::milliseconds) const override {
    return {};
  }

  mutable int warm_ups = 0, records = 0, replays = 0;
  bool fails = false;

 private:
  class HostGraph : public CudaGraph {
   public:
    explicit HostGraph(const HostLibrary& library) : library_(library) {}
    void warm_up(const std::function<void()>& work) override {
      ++library_.warm_ups;
      work();
    }
    void record(const std::function<void()>& work) override {
      if (library_.fails) throw std::runtime_error("operation not permitted when stream is capturing");
      ++library_.records;
      work_ = work;
    }
    void replay() override {
      ++library_.replays;
      work_();
    }

   private:
    const HostLibrary& library_;
    std::function<void()> work_;
  };
};

/// A step that adds up what it is given.
struct Sums {
  double images = 0.0, lr = 0.0, lambda_val = 0.0;
  StepOutputs operator()(const StepInputs& inputs) {
    images += inputs.images.sum().item<double>();
    lr += inputs.lr.item<double>();
    if (inputs.lambda_val.defined()) lambda_val += inputs.lambda_val.item<double>();
    return {inputs.images.mean(), inputs.images, {}};
  }
};

constexpr std::int64_t warm = StepGraph::warm_up_steps;

StepOutputs run(StepGraph& graph, Sums& sums, std::int64_t count, double value, double lr = 0.5,
                const std::string& settings = {}) {
  return graph.run(at::full({count, 3, 2, 2}, value), at::zeros({count}, at::kLong), lr, 0.25, settings,
                   [&sums](const StepInputs& inputs) { return sums(inputs); });
}

SharedTensor labels_of_eight() {
  return to_shared("labels", at::tensor({0, 1, 2, 3, 0, 1, 2, 3}, at::kLong));
}

}  // namespace

TEST_CASE("a step is recorded once it was done often enough and then works on new numbers") {
  const HostLibrary library;
  StepGraph graph(library, at::kCPU, {}, false);
  Sums sums;
  for (std::int64_t step = 0; step < warm; ++step) run(graph, sums, 2, 1.0);
  CHECK(library.warm_ups == warm);
  CHECK(library.records == 0);
  const StepOutputs outputs = run(graph, sums, 2, 3.0, 2.0);
  CHECK(library.records == 1);
  CHECK(library.replays == 1);
  CHECK(outputs.loss.item<double>() == 3.0);
  run(graph, sums, 2, 5.0, 4.0);
  CHECK(library.replays == 2);
  CHECK(sums.images == 24.0 * (static_cast<double>(warm) + 3.0 + 5.0));
  CHECK(sums.lr == 0.5 * static_cast<double>(warm) + 2.0 + 4.0);
  CHECK(sums.lambda_val == 0.25 * static_cast<double>(warm + 2));
}

TEST_CASE("batches of another size and other settings are done as usual in between") {
  const HostLibrary library;
  StepGraph graph(library, at::kCPU, {}, false);
  Sums sums;
  for (std::int64_t step = 0; step <= warm; ++step) run(graph, sums, 2, 1.0);
  REQUIRE(library.replays == 1);
  run(graph, sums, 1, 1.0);
  CHECK(library.replays == 1);
  run(graph, sums, 2, 1.0);
  CHECK(library.replays == 2);
  CHECK(library.records == 1);

  SUBCASE("until they are the rule") {
    for (std::int64_t step = 0; step <= warm; ++step) run(graph, sums, 2, 1.0, 0.5, "frozen");
    CHECK(library.records == 2);
    CHECK(library.replays == 3);
    run(graph, sums, 2, 1.0);
    CHECK(library.replays == 3);
  }
  SUBCASE("and settings that change all the time are never recorded") {
    for (std::int64_t step = 0; step < 3 * warm; ++step) run(graph, sums, 2, 1.0, 0.5, std::to_string(step));
    CHECK(library.records == 1);
  }
}

TEST_CASE("a step that cannot be recorded is done as usual or is an error where that was required") {
  HostLibrary library;
  library.fails = true;
  Sums sums;
  SUBCASE("as usual") {
    StepGraph graph(library, at::kCPU, {}, false);
    for (std::int64_t step = 0; step < 3 * warm; ++step) run(graph, sums, 2, 1.0);
    CHECK(sums.images == 24.0 * static_cast<double>(3 * warm));
    CHECK(library.replays == 0);
  }
  SUBCASE("an error") {
    StepGraph graph(library, at::kCPU, {}, true);
    for (std::int64_t step = 0; step < warm; ++step) run(graph, sums, 2, 1.0);
    require_error(ErrorCode::unsupported, {"not permitted when stream is capturing", "cuda_graphs"},
                  [&] { run(graph, sums, 2, 1.0); });
  }
}

TEST_CASE("a training by recorded steps is the training by plain ones") {
  const HostLibrary library;
  const auto weights_after = [&](bool graphs, const Options& options) {
    const auto model = Model::create(options);
    Trainer::Implementation trainer(model, options);
    // As with fp16 on CUDA.
    if (options.text("optimizer") == "adam") trainer.loss_scale = LossScale(Precision::fp16, at::kCPU);
    if (graphs) {
      trainer.step_graph = std::make_unique<StepGraph>(library, at::kCPU, trainer.network.generator(), true);
    }
    at::Tensor labels = at::tensor({0, 1, 2, 3, 0, 1, 2, 3}, at::kLong);
    for (std::int64_t step = 0; step < 2 * warm; ++step) {
      trainer.step(random_images(8, 16, static_cast<std::uint64_t>(step)), labels, false);
    }
    CHECK(trainer.checked_statistics().samples == 16 * warm);
    std::vector<at::Tensor> weights;
    for (const Network::Entry& entry : trainer.network.state())
      weights.push_back(entry.tensor.to(at::kFloat).flatten());
    weights.push_back(at::tensor({trainer.checked_statistics().loss}));
    if (trainer.average.exists()) {
      trainer.average.use(true);
      for (const Network::Entry& entry : trainer.network.state())
        weights.push_back(entry.tensor.to(at::kFloat).flatten());
    }
    return at::cat(weights);
  };
  // Rates that f32 holds exactly.
  for (const auto& [optimizer, lr] :
       {std::pair("sgd", "0.0625"), std::pair("adam", "0.0009765625"), std::pair("adamw", "0.0009765625")}) {
    CAPTURE(optimizer);
    const Options options = small_options({{"optimizer", optimizer},
                                           {"lr", lr},
                                           {"epochs", "2"},
                                           {"freeze_epochs", "0"},
                                           {"mixup", "0.2"},
                                           {"cutmix", "1"},
                                           {"gradient_clip", "1"},
                                           {"weight_decay", "0.01"},
                                           {"lambda_val", "0.125"},
                                           {"ema", "0.9"}});
    const int replays = library.replays;
    const at::Tensor recorded = weights_after(true, options);
    CHECK(library.replays == replays + warm);
    const at::Tensor plain = weights_after(false, options);
    CHECK(recorded.equal(plain));
    Options other = options;
    other.set("seed", "2");
    CHECK_FALSE(plain.equal(weights_after(false, other)));
  }
}

TEST_CASE("what keeps steps from being recorded is said") {
  const at::Device cuda(at::kCUDA, 0);
  const auto obstacle = [&](const Options& options, bool alone = true, bool works_on_device = true) {
    return step_graph_obstacle(options, cuda, alone, works_on_device);
  };
  CHECK(obstacle(Options()).empty());
  CHECK(step_graph_obstacle(Options(), at::kCPU, true, true).find("CPU") != std::string::npos);
  CHECK(obstacle(Options(), false).find("several processes") != std::string::npos);
  Options options;
  options.set("gradient_accumulation", "4");
  CHECK(obstacle(options).find("gradient_accumulation is 4") != std::string::npos);
  options = Options();
  options.set("optimizer", "adamax");
  CHECK(obstacle(options, true, false).find("adamax") != std::string::npos);
}

TEST_CASE("graphs that are wanted where they cannot be are an error and else are left out") {
  Options options = small_options();
  CHECK(Trainer::Implementation(Model::create(options), options).step_graph == nullptr);
  options.set("cuda_graphs", "on");
  require_error(ErrorCode::unsupported, {"cuda_graphs cannot be on", "CPU", "auto"},
                [&] { Trainer(Model::create(options), options); });
}

TEST_CASE("recorded steps on CUDA are plain ones") {
  if (cuda_library().library == nullptr) {
    MESSAGE("SKIPPED: " << cuda_library().reason);
    return;
  }
  const auto weights_after = [](const char* graphs) {
    const Options options = small_options({{"device", "cuda"}, {"cuda_graphs", graphs}, {"lr", "0.01"}});
    const auto model = Model::create(options);
    Trainer trainer(model, options);
    for (std::int64_t step = 0; step < 2 * warm; ++step) {
      trainer.step(to_shared("images", random_images(8, 16, static_cast<std::uint64_t>(step))),
                   labels_of_eight(), nullptr);
    }
    CHECK(trainer.metrics().at("samples") == 16 * warm);
    return test::entry_of(*model, "fc.weight").cpu();
  };
  CHECK(at::allclose(weights_after("on"), weights_after("off"), 1e-3, 1e-4));
}
