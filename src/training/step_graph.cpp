#include "training/step_graph.hpp"

#include <exception>
#include <utility>

#include "base/base.hpp"
#include "model/cuda_library.hpp"

namespace deepmoe {

StepGraph::StepGraph(const CudaLibrary& library, const at::Device& device, at::Generator generator,
                     bool required)
    : library_(library),
      device_(device),
      generator_(std::move(generator)),
      required_(required),
      lr_(at::zeros({}, at::TensorOptions(device).dtype(at::kFloat))),
      lambda_val_(at::zeros({}, at::TensorOptions(device).dtype(at::kFloat))) {}

StepOutputs StepGraph::run(const at::Tensor& images, const at::Tensor& targets, double lr, double lambda_val,
                           const std::string& settings, const Step& step) {
  const StepInputs inputs{images, targets, lr_, lambda_val != 0.0 ? lambda_val_ : at::Tensor()};
  lr_.fill_(lr);
  lambda_val_.fill_(lambda_val);
  const std::string key = concat(images.sizes(), ' ', targets.sizes(), ' ', lambda_val != 0.0, ' ', settings);
  if (recorded_ == nullptr || key != recorded_key_) {
    same_ = key == last_key_ ? same_ + 1 : 1;
    last_key_ = key;
    if (impossible_ || same_ <= warm_up_steps || !record(inputs, step)) return run_unrecorded(inputs, step);
  }
  inputs_.images.copy_(images);
  inputs_.targets.copy_(targets);
  recorded_->replay();
  return outputs_;
}

StepOutputs StepGraph::run_unrecorded(const StepInputs& inputs, const Step& step) {
  if (impossible_) return step(inputs);
  if (next_ == nullptr) next_ = library_.make_graph(device_, generator_);
  StepOutputs outputs;
  next_->warm_up([&] { outputs = step(inputs); });
  return outputs;
}

bool StepGraph::record(const StepInputs& inputs, const Step& step) {
  recorded_ = nullptr;
  outputs_ = {};
  inputs_ = inputs;
  inputs_.images = at::empty_like(inputs.images);
  inputs_.targets = at::empty_like(inputs.targets);
  try {
    next_->record([this, step] { outputs_ = step(inputs_); });
  } catch (const std::exception& error) {
    const std::string reason =
        concat("a training step could not be recorded as a CUDA graph (", error.what(), ")");
    impossible_ = true;
    next_ = nullptr;
    outputs_ = {};
    inputs_ = {};
    if (required_) fail(ErrorCode::unsupported, reason, "; set cuda_graphs to auto or off");
    log(LogLevel::warning, reason + "; steps are launched one operation at a time");
    return false;
  }
  recorded_ = std::move(next_);
  recorded_key_ = last_key_;
  return true;
}

std::string step_graph_obstacle(const Options& options, const at::Device& device, bool alone,
                                bool works_on_device) {
  if (!device.is_cuda()) return "the device is the CPU";
  if (!alone) return "several processes train together";
  const std::int64_t accumulation = options.integer("gradient_accumulation");
  if (accumulation > 1)
    return concat("gradient_accumulation is ", accumulation, ", so that steps are not all alike");
  if (!works_on_device) {
    return concat("optimizer ", options.text("optimizer"),
                  " works with numbers of the host; sgd, adam and adamw do not");
  }
  return {};
}

std::unique_ptr<StepGraph> make_step_graph(const Options& options, Network& network, bool alone,
                                           bool works_on_device) {
  const std::string wish = options.text("cuda_graphs");
  if (wish == "off") return nullptr;
  std::string obstacle = step_graph_obstacle(options, network.device(), alone, works_on_device);
  if (obstacle.empty()) obstacle = cuda_library().reason;
  if (obstacle.empty()) {
    return std::make_unique<StepGraph>(*cuda_library().library, network.device(), network.generator(),
                                       wish == "on");
  }
  if (wish == "on") {
    fail(ErrorCode::unsupported, "option cuda_graphs cannot be on: ", obstacle, ". Set it to auto or off");
  }
  if (network.device().is_cuda()) log(LogLevel::info, concat("no CUDA graphs: ", obstacle));
  return nullptr;
}

}  // namespace deepmoe
