#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cuda/cuda_library.hpp"
#include "model/network.hpp"
#include "options/options.hpp"

namespace deepmoe {

/// What a step goes by, on the device.
struct StepInputs {
  at::Tensor images;          ///< (N, channels, height, width) f32
  at::Tensor targets;         ///< (N) i64 or (N, classes) f32
  at::Tensor lr, lambda_val;  ///< scalars f32; no lambda_val stands for 0
};

/// What it gives besides new weights, without gradients.
struct StepOutputs {
  at::Tensor loss, logits;        ///< a scalar, (N, classes)
  std::vector<at::Tensor> gates;  ///< (N, experts) each
};

/// Training steps as one CUDA graph: a step that was done a few times with the same shapes and settings is
/// recorded, and from then on launched as a whole. Steps with other ones in between, such as an epoch's last
/// batch, are done as usual, and when they have become the rule they are recorded in its place. One thread at
/// a time.
class StepGraph {
 public:
  /// All of a step that changes weights, within the rules of CudaGraph::record. It may be called again later,
  /// and must leave nothing behind that a call which failed has begun.
  using Step = std::function<StepOutputs(const StepInputs&)>;

  /// What is recorded draws from `generator`. Where `required` is false, a step that cannot be recorded is
  /// done as usual from then on, and a warning says so. `library` must outlive it.
  StepGraph(const CudaLibrary& library, const at::Device& device, at::Generator generator, bool required);

  /// One step. `settings` holds all that `step` goes by besides its inputs. The outputs hold until the next
  /// call. Does not wait for the device, but to record. Errors: those of `step`; unsupported where it cannot
  /// be recorded and that was required.
  StepOutputs run(const at::Tensor& images, const at::Tensor& targets, double lr, double lambda_val,
                  const std::string& settings, const Step& step);

  /// Steps with the same shapes and settings before one is recorded: as many as LibTorch's documentation asks
  /// for where most is going on behind a step, and enough that settings which change all the time are not
  /// recorded each time.
  static constexpr std::int64_t warm_up_steps = 11;

 private:
  StepOutputs run_unrecorded(const StepInputs& inputs, const Step& step);
  bool record(const StepInputs& inputs, const Step& step);

  const CudaLibrary& library_;
  at::Device device_;
  at::Generator generator_;
  bool required_;
  bool impossible_ = false;
  at::Tensor lr_, lambda_val_;
  std::string recorded_key_, last_key_;
  std::int64_t same_ = 0;  ///< steps with last_key_ in a row

  // The graphs are gone before the tensors that they work on.
  StepInputs inputs_;
  StepOutputs outputs_;
  std::unique_ptr<CudaGraph> recorded_, next_;
};

/// Why steps cannot be recorded on `device` whatever is installed there, empty where they can. Options read:
/// gradient_accumulation and optimizer; `works_on_device` is the optimizer's.
std::string step_graph_obstacle(const Options& options, const at::Device& device, bool alone,
                                bool works_on_device);

/// The graph of a trainer of `network`; null where option cuda_graphs is off or, if it is auto, cannot be
/// followed. Errors: unsupported where it is on and cannot be followed, with the reason.
std::unique_ptr<StepGraph> make_step_graph(const Options& options, Network& network, bool alone,
                                           bool works_on_device);

}  // namespace deepmoe
