#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/gate_statistics.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "model/small_model.hpp"

using namespace deepmoe;
using nlohmann::json;

namespace {

/// Random gates of a network's layers, about half of them 0.
std::vector<at::Tensor> random_gates(const Architecture& architecture, std::int64_t images,
                                     std::uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const std::vector<Shape> shapes = infer_shapes(architecture);
  std::vector<at::Tensor> gates;
  for (const std::int32_t gate : architecture.gates()) {
    const std::int64_t experts = shapes[static_cast<std::size_t>(gate)].channels;
    gates.push_back(at::empty({images, experts}).normal_(0.0, 1.0, generator).relu());
  }
  return gates;
}

}  // namespace

TEST_CASE("gate statistics equal counting image by image") {
  const auto model = test::small_model();
  const Architecture& architecture = model->architecture();
  std::vector<at::Tensor> first = random_gates(architecture, 6, 1), second = random_gates(architecture, 3, 2);
  for (auto* batch : {&first, &second}) {
    batch->at(0).select(1, 2).zero_();      // dead
    batch->at(0).select(1, 3).fill_(0.25);  // always on
    batch->at(1).fill_(2.0);                // equal
    batch->at(2).zero_();                   // a dead layer
  }
  first[3].select(1, 0).zero_();  // silent in the first batch alone
  second[3].select(1, 0).fill_(1.0);

  GateStatistics statistics(architecture, GateNorm::layer_mean_l1, at::kCPU);
  CHECK(statistics.read().is_null());
  statistics.add(first);
  statistics.add(second);
  const json result = statistics.read();
  REQUIRE(result["layers"].size() == first.size());

  double all_experts = 0, all_active = 0, all_dead = 0, all_always_on = 0, all_effective = 0, all_loss = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    CAPTURE(i);
    const at::Tensor gates = at::cat({first[i], second[i]}).contiguous();
    const std::int64_t images = gates.size(0), experts = gates.size(1);
    const float* values = gates.const_data_ptr<float>();
    double active = 0, total = 0;
    int dead = 0, always_on = 0;
    std::vector<double> sums;
    for (std::int64_t expert = 0; expert < experts; ++expert) {
      std::int64_t uses = 0;
      sums.push_back(0.0);
      for (std::int64_t image = 0; image < images; ++image) {
        const double gate = values[image * experts + expert];
        uses += gate > 0 ? 1 : 0;
        sums.back() += gate;
      }
      dead += uses == 0 ? 1 : 0;
      always_on += uses == images ? 1 : 0;
      active += static_cast<double>(uses);
      total += sums.back();
    }
    double entropy = 0.0;
    for (const double sum : sums) {
      if (sum > 0) entropy -= sum / total * std::log(sum / total);
    }
    const double effective = total > 0 ? std::exp(entropy) : 0.0;
    const double count = static_cast<double>(images * experts);
    const json& layer = result["layers"][i];
    CHECK(layer["experts"] == experts);
    CHECK(layer["density"].get<double>() == doctest::Approx(active / count));
    CHECK(layer["dead_experts"] == dead);
    CHECK(layer["always_on_experts"] == always_on);
    CHECK(layer["effective_experts"].get<double>() == doctest::Approx(effective));
    CHECK(layer["mean_gate"].get<double>() == doctest::Approx(total / count));
    CHECK(layer["gate_loss"].get<double>() == doctest::Approx(total / count));
    all_experts += static_cast<double>(experts);
    all_active += active / static_cast<double>(images);
    all_dead += dead;
    all_always_on += always_on;
    all_effective += effective;
    all_loss += total / count;
  }
  CHECK(result["layers"][0]["name"] == "layer1.0.gate1");
  CHECK(result["layers"][0]["dead_experts"] == 1);
  CHECK(result["layers"][0]["always_on_experts"] == 1);
  CHECK(result["layers"][1]["effective_experts"].get<double>() ==
        doctest::Approx(result["layers"][1]["experts"].get<double>()));
  CHECK(result["layers"][3]["dead_experts"] == 0);
  CHECK(result["experts"] == all_experts);
  CHECK(result["density"].get<double>() == doctest::Approx(all_active / all_experts));
  CHECK(result["dead_experts"] == all_dead);
  CHECK(result["always_on_experts"] == all_always_on);
  CHECK(result["effective_experts"].get<double>() == doctest::Approx(all_effective));
  CHECK(result["dead_layers"] == 1);
  CHECK(result["gate_loss"].get<double>() == doctest::Approx(all_loss));
}

TEST_CASE("the gate losses of the layers amount to that of the network") {
  const auto model = test::small_model();
  const std::vector<at::Tensor> gates = random_gates(model->architecture(), 5, 3);
  for (const GateNorm norm : {GateNorm::mean_l1, GateNorm::layer_mean_l1, GateNorm::hoyer, GateNorm::seed}) {
    GateStatistics statistics(model->architecture(), norm, at::kCPU);
    statistics.add(gates);
    CHECK(statistics.read()["gate_loss"].get<double>() ==
          doctest::Approx(gate_loss(gates, norm).item<double>()).epsilon(1e-5));
  }
}

TEST_CASE("gate statistics start anew and take half precision") {
  const auto model = test::small_model();
  const std::vector<at::Tensor> gates = random_gates(model->architecture(), 4, 5);
  GateStatistics statistics(model->architecture(), GateNorm::mean_l1, at::kCPU);
  statistics.add(random_gates(model->architecture(), 9, 6));
  statistics.reset();
  CHECK(statistics.read().is_null());
  std::vector<at::Tensor> rounded;
  for (const at::Tensor& layer : gates) rounded.push_back(layer.to(at::kBFloat16));
  statistics.add(rounded);
  const double density = statistics.read()["density"];
  statistics.reset();
  statistics.add(gates);
  CHECK(statistics.read()["density"] == density);
}
