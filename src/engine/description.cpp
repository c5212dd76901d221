#include "engine/description.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "engine/workspace.hpp"

namespace deepmoe {
namespace {

class Describing {
 public:
  Describing(const Plan& plan, const PlannedStep& planned, nlohmann::json& json)
      : plan_(plan), planned_(planned), json_(json) {}

  void operator()(const HeadStep& step) const {
    json_["kind"] = "gate_head";
    json_["experts"] = plan_.network.experts[static_cast<std::size_t>(step.gate)];
    if (step.active_limit > 0) json_["active_limit"] = step.active_limit;
  }
  void operator()(const ConvolutionStep& step) const {
    json_["kind"] = "convolution";
    json_["kernel"] = planned_.convolution->name();
    json_["input_gate"] = gate(step.input_list);
    json_["output_gate"] = gate(step.output_list);
  }
  void operator()(const LinearStep& step) const {
    json_["kind"] = "linear";
    json_["input_gate"] = gate(step.input_list);
  }
  void operator()(const PoolStep& step) const {
    json_["kind"] = step.average ? "average_pool" : "max_pool";
    json_["input_gate"] = gate(step.list);
  }
  void operator()(const ElementwiseStep&) const { json_["kind"] = "elementwise"; }
  void operator()(const FillStep& step) const {
    json_["kind"] = "fill";
    json_["input_gate"] = gate(step.list);
  }

 private:
  nlohmann::json gate(std::int32_t position) const {
    return position < 0 ? nlohmann::json()
                        : nlohmann::json(plan_.gate_names[static_cast<std::size_t>(position)]);
  }

  const Plan& plan_;
  const PlannedStep& planned_;
  nlohmann::json& json_;
};

}  // namespace

nlohmann::json describe_plan(const Plan& plan) {
  const std::int64_t samples = plan.samples.load(std::memory_order_relaxed);
  nlohmann::json steps = nlohmann::json::array();
  double active = 0;
  for (const auto& planned : plan.steps) {
    nlohmann::json step{{"name", planned->step.name}};
    std::visit(Describing(plan, *planned, step), planned->step.operation);
    if (planned->dense_macs > 0) {
      step["dense_macs"] = planned->dense_macs;
      step["weight_bytes"] = planned->weight_bytes;
      if (samples > 0) {
        const double mean = static_cast<double>(planned->active_macs.load(std::memory_order_relaxed)) /
                            static_cast<double>(samples);
        step["active_macs"] = mean;
        active += mean;
      }
    }
    if (plan.profile && samples > 0) {
      step["mean_microseconds"] = static_cast<double>(planned->nanoseconds.load(std::memory_order_relaxed)) /
                                  (1e3 * static_cast<double>(samples));
    }
    steps.push_back(std::move(step));
  }
  nlohmann::json description{{"target", plan.kernels.target},
                             {"precision", plan.precision == WeightPrecision::bf16 ? "bf16" : "fp32"},
                             {"dense_macs", plan.dense_macs},
                             {"weight_bytes", plan.weight_bytes},
                             {"working_bytes_per_image", plan.buffers.lay_out({1, 1}).floats * sizeof(float)},
                             {"images_run", samples},
                             {"steps", std::move(steps)}};
  if (samples > 0) description["active_macs"] = active;
  return description;
}

}  // namespace deepmoe
