#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/gate_schedule.hpp"

#include "architecture/gate_selection.hpp"
#include "base/temporary_folder.hpp"
#include "model/small_model.hpp"

using namespace deepmoe;
using test::small_model;
using test::small_options;
using Values = std::vector<std::pair<std::string, std::string>>;

namespace {

/// Of the last gate, which decides over 64 experts.
Gate last_gate(const Model& model) {
  const Architecture& architecture = model.architecture();
  return std::get<Gate>(architecture.nodes[static_cast<std::size_t>(architecture.gates().back())].operation);
}

std::int64_t first_epoch(const Values& values) { return first_settled_epoch(small_options(values)); }

}  // namespace

TEST_CASE("experts are given up evenly while the window of the density is open") {
  const Values values{{"limited_gates", "all"}, {"gate_density", "0.25"}, {"density_window", "0.2,0.6"}};
  const auto model = small_model(values);
  GateSchedule schedule(*model, small_options(values));
  for (const auto& [time, limit] : std::vector<std::pair<double, std::int64_t>>{
           {0.0, 0}, {0.2, 0}, {0.3, 52}, {0.4, 40}, {0.6, 16}, {1.0, 16}, {1.5, 16}, {0.3, 52}}) {
    CAPTURE(time);
    schedule.apply(time);
    CHECK(last_gate(*model).active_limit == limit);
  }
}

TEST_CASE("a density without a schedule holds from the start") {
  const Values values{{"limited_gates", "all"}, {"target_density", "0.25"}, {"density_schedule", "none"}};
  const auto model = small_model(values);
  GateSchedule schedule(*model, small_options(values));
  schedule.apply(0.0);
  CHECK(last_gate(*model).active_limit == 16);
}

TEST_CASE("a cosine falls slowly at both ends") {
  const Values values{{"limited_gates", "all"},
                      {"gate_density", "0.5"},
                      {"density_schedule", "cosine"},
                      {"density_window", "0,1"}};
  const auto model = small_model(values);
  GateSchedule schedule(*model, small_options(values));
  const auto limit_at = [&](double time) {
    schedule.apply(time);
    return last_gate(*model).active_limit;
  };
  CHECK(limit_at(0.1) > 62);
  CHECK(limit_at(0.5) == 48);
  CHECK(limit_at(0.9) < 34);
}

TEST_CASE("the embedding gains its influence while its window is open") {
  const Values values{
      {"embedding_influence", "0.5"}, {"influence_schedule", "linear"}, {"influence_window", "0.5,0.75"}};
  const auto model = small_model(values);
  CHECK(last_gate(*model).influence == 0.5);
  GateSchedule schedule(*model, small_options(values));
  for (const auto& [time, influence] : std::vector<std::pair<double, double>>{
           {0.0, 0.0}, {0.5, 0.0}, {0.625, 0.25}, {0.75, 0.5}, {1.0, 0.5}}) {
    CAPTURE(time);
    schedule.apply(time);
    CHECK(last_gate(*model).influence == doctest::Approx(influence));
  }
}

TEST_CASE("without wishes a model that was saved keeps the limits and the influence that it has") {
  const TemporaryFolder folder;
  const std::string path = folder.file("network.safetensors");
  small_model({{"limited_gates", "all"}, {"gate_density", "0.25"}, {"embedding_influence", "0.5"}})
      ->save(path);
  const auto model = Model::load(path, Options());
  GateSchedule schedule(*model, small_options());
  schedule.apply(0.5);
  CHECK(last_gate(*model).active_limit == 16);
  CHECK(last_gate(*model).influence == 0.5);
}

TEST_CASE("epochs count once the gates are as they shall stay") {
  CHECK(first_epoch({{"epochs", "10"}}) == 1);
  CHECK(first_epoch({{"epochs", "10"}, {"gate_select", "topk"}}) == 1);
  const Values wish{{"epochs", "10"}, {"gate_select", "topk"}, {"target_macs", "0.5"}};
  const auto with = [&](const Values& more) {
    Values values = wish;
    values.insert(values.end(), more.begin(), more.end());
    return first_epoch(values);
  };
  CHECK(with({}) == 5);
  CHECK(with({{"density_schedule", "none"}}) == 1);
  CHECK(with({{"density_window", "0,0.51"}}) == 6);
  CHECK(with({{"density_window", "0,1"}}) == 10);
  CHECK(with({{"density_window", "0,1"}, {"freeze_epochs", "4"}}) == 6);
  // A network of less influence is no cheaper.
  CHECK(with({{"influence_schedule", "cosine"}, {"influence_window", "0.4,0.7"}}) == 5);
  CHECK(with({{"epochs", "1"}}) == 1);
  CHECK(first_epoch({{"epochs", "10"}, {"target_density", "0.5"}}) == 5);
}
