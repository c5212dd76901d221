#include "bench_layers.hpp"

#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "break_even.hpp"
#include "interleaved.hpp"
#include "text.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

/// Microseconds of each step for the runs since the last call.
class StepTimes {
 public:
  explicit StepTimes(const EngineHandle& engine) : engine_(engine) {}
  std::vector<double> take() {
    const ordered_json description = describe(engine_);
    const double images = description.at("images_run");
    std::vector<double> totals;
    for (const ordered_json& step : description.at("steps")) {
      totals.push_back(number_or(step, "mean_microseconds", std::nan("")) * images);
    }
    std::vector<double> means;
    for (std::size_t i = 0; i < totals.size(); ++i) {
      const double before = totals_.empty() ? 0 : totals_[i];
      means.push_back((totals[i] - before) / (images - images_));
    }
    totals_ = std::move(totals);
    images_ = images;
    return means;
  }

 private:
  const EngineHandle& engine_;
  std::vector<double> totals_;
  double images_ = 0;
};

bool names_gate(const ordered_json& step, const char* key) {
  return step.contains(key) && step.at(key).is_string();
}

}  // namespace

ordered_json layer_rows(BenchSubject& subject, std::int64_t rounds) {
  const EngineHandle dense = subject.make_engine({{"profile", true}, {"skip", false}});
  const EngineHandle gated = subject.make_engine({{"profile", true}});
  const ordered_json steps = describe(gated).at("steps");
  std::map<std::string, std::vector<double>> dense_times;
  std::vector<std::vector<std::vector<double>>> gated_times(
      std::size(swept_densities));  // density, step, round
  for (std::vector<std::vector<double>>& times : gated_times) times.resize(steps.size());
  const ordered_json dense_steps = describe(dense).at("steps");
  StepTimes times_of_dense(dense), times_of_gated(gated);
  std::vector<std::vector<float>> gates;
  for (const double density : swept_densities) gates.push_back(subject.draw_gates(density));
  const auto measure = [&](const EngineHandle& engine, StepTimes& times, const std::vector<float>& given) {
    subject.run(engine, given);
    times.take();
    for (int i = 0; i < 2; ++i) subject.run(engine, given);
    return times.take();
  };
  for (std::int64_t round = 0; round < rounds; ++round) {
    const std::vector<double> whole = measure(dense, times_of_dense, gates[0]);
    for (std::size_t i = 0; i < whole.size(); ++i) {
      // Steps without MACs may be named after the same node.
      if (dense_steps[i].contains("dense_macs")) dense_times[dense_steps[i].at("name")].push_back(whole[i]);
    }
    for (std::size_t k = 0; k < gates.size(); ++k) {
      const std::vector<double> part = measure(gated, times_of_gated, gates[k]);
      for (std::size_t i = 0; i < part.size(); ++i) gated_times[k][i].push_back(part[i]);
    }
  }

  ordered_json rows = ordered_json::array();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const ordered_json& step = steps[i];
    const std::string name = step.at("name");
    const auto found = dense_times.find(name);
    const bool gates_spare_work = names_gate(step, "input_gate") || names_gate(step, "output_gate");
    if (!gates_spare_work || !step.contains("dense_macs") || found == dense_times.end()) continue;
    const double dense_time = median(found->second);
    std::vector<std::pair<double, double>> points;
    ordered_json microseconds = ordered_json::object();
    for (std::size_t k = 0; k < gated_times.size(); ++k) {
      points.emplace_back(swept_densities[k], median(gated_times[k][i]));
      microseconds[option_text(swept_densities[k])] = points.back().second;
    }
    if (std::isnan(dense_time) || std::isnan(points[0].second)) return ordered_json::array();
    rows.push_back({{"name", name},
                    {"kernel", step.value("kernel", "")},
                    {"input_gate", step.value("input_gate", ordered_json())},
                    {"output_gate", step.value("output_gate", ordered_json())},
                    {"dense_macs", step.at("dense_macs")},
                    {"weight_bytes", step.at("weight_bytes")},
                    {"dense_microseconds", dense_time},
                    {"microseconds", microseconds},
                    {"break_even_density", break_even(points, dense_time)}});
  }
  return rows;
}

}  // namespace deepmoe::command
