#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include <c10/core/GradMode.h>

#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "model/small_model.hpp"
#include "model/tensor_bridge.hpp"
#include "training/random_dataset.hpp"
#include "training/training.hpp"

using namespace deepmoe;

TEST_CASE("evaluation equals counting image by image") {
  const auto model = test::small_model();
  // Some gates off, so that densities say something.
  test::entry_of(*model, "layer1.0.gate1.fc.bias").detach().narrow(0, 0, 3).fill_(-9.0);
  test::entry_of(*model, "layer3.1.gate2.fc.weight").detach().normal_(0.0, 3.0);
  test::entry_of(*model, "layer3.1.gate2.fc.bias").detach().zero_();
  const auto dataset = test::small_dataset("test", 37);
  Options options = model->options();
  options.set("batch_size", "10");
  const nlohmann::json result = evaluate(*model, dataset, options, {});

  const Transform transform = evaluation_transform(*dataset, 16);
  const Architecture& architecture = model->architecture();
  const Cost network_cost = cost(architecture);
  double correct = 0.0, macs = 0.0, active = 0.0, experts = 0.0;
  std::vector<std::byte> scratch;
  for (std::int64_t i = 0; i < dataset->size(); ++i) {
    at::Tensor image = at::empty({1, 3, 16, 16});
    apply_transform(transform, dataset->image(i, scratch), 0, image.mutable_data_ptr<float>());
    const auto outputs = model->forward(to_shared("input", image));
    std::vector<double> densities;
    for (const SharedTensor& output : outputs) {
      const at::Tensor tensor = to_torch(output);
      if (output.name == "logits") correct += tensor.argmax(1).item<std::int64_t>() == dataset->label(i);
      if (output.name.rfind("gate.", 0) == 0) {
        densities.push_back(tensor.gt(0).to(at::kDouble).mean().item<double>());
        active += tensor.gt(0).sum().item<double>();
        experts += static_cast<double>(tensor.numel());
      }
    }
    macs += active_macs(architecture, network_cost, densities);
  }
  const auto count = static_cast<double>(dataset->size());
  CHECK(result["samples"] == 37);
  CHECK(result["accuracy"].get<double>() == doctest::Approx(correct / count));
  CHECK(result["density"].get<double>() == doctest::Approx(active / experts));
  CHECK(result["active_macs"].get<double>() == doctest::Approx(macs / count));
  CHECK(result["active_macs"].get<double>() < result["dense_macs"].get<double>());
  CHECK(result["layers"][0]["density"].get<double>() == doctest::Approx(5.0 / 8.0));
  CHECK(result["top5_accuracy"] == 1.0);
}

TEST_CASE("evaluation does not depend on the batch size or the workers and never augments") {
  const auto model = test::small_model();
  const auto dataset = test::small_dataset("test", 40);
  const auto loss_with = [&](const char* batch_size, const char* workers) {
    Options options = model->options();
    options.set("batch_size", batch_size);
    options.set("num_workers", workers);
    return evaluate(*model, dataset, options, {})["loss"].get<double>();
  };
  const double loss = loss_with("40", "0");
  CHECK(loss_with("40", "2") == loss);
  CHECK(loss_with("7", "1") == doctest::Approx(loss).epsilon(1e-4));
}

TEST_CASE("a dense network is evaluated with density 1") {
  const auto model = test::small_model({{"model", "resnet18"}});
  const nlohmann::json result = evaluate(*model, test::small_dataset("test", 8), model->options(), {});
  CHECK(result["density"] == 1.0);
  CHECK(result["active_macs"] == result["dense_macs"]);
  CHECK(result["layers"].empty());
}

TEST_CASE("a callback ends an evaluation and data with too many classes are refused") {
  const auto model = test::small_model();
  const auto dataset = test::small_dataset("test", 20);
  try {
    evaluate(*model, dataset, model->options(), [](Event, const nlohmann::json&) { return 42; });
    FAIL("the callback did not end the evaluation");
  } catch (const Cancelled& cancelled) {
    CHECK(cancelled.answer() == 42);
  }
  const auto narrow = test::small_model({{"num_classes", "3"}});
  require_error(ErrorCode::invalid_argument, {"4 classes", "3"},
                [&] { evaluate(*narrow, dataset, narrow->options(), {}); });
}

TEST_CASE("evaluation in bf16 agrees with that in single precision") {
  const auto model = test::small_model();
  const auto loss_of = [&](const std::string& amp) {
    const nlohmann::json result =
        evaluate(*model, test::small_dataset("test", 64), test::small_options({{"amp", amp}}), {});
    return result["loss"].get<double>();
  };
  CHECK(loss_of("bf16") == doctest::Approx(loss_of("off")).epsilon(0.02));
  CHECK(loss_of("bf16") != loss_of("off"));
}
