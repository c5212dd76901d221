#pragma once

/// The door of src/engine: a network compiled for inference on a CPU, which does no work for inactive
/// experts.

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"
#include "engine/lowering.hpp"
#include "engine/weight_precision.hpp"

namespace deepmoe {

struct EngineSettings {
  /// Images are image_size x image_size; 0: the architecture's own size.
  std::int64_t image_size = 0;
  /// Threads that one run uses, but no more than there are processors; 0: one for each of them.
  int threads = 1;
  /// Without it every channel is computed and gates only multiply: what skipping is measured against.
  bool skip = true;
  WeightPrecision precision = WeightPrecision::fp32;
  /// Measures the time of each step, for describe().
  bool profile = false;
  /// An instruction set of kernel_targets(), or empty for the best one; for tests.
  std::string target;
};

/// What one run is asked for and gives. The pointers of outputs may be null.
struct EngineRun {
  const float* images = nullptr;  ///< (batch_size, channels, image_size, image_size), normalised
  std::int64_t batch_size = 0;
  /// (batch_size, experts of all gates): takes the place of what the heads compute, which they still do; or
  /// null. Must not be negative.
  const float* given_gates = nullptr;

  float* logits = nullptr;            ///< (batch_size, num_classes)
  float* embedding = nullptr;         ///< (batch_size, embedding_dim)
  float* embedding_logits = nullptr;  ///< (batch_size, num_classes)
  float* gates = nullptr;             ///< (batch_size, experts of all gates), in the order of the network
  /// Multiply-accumulates of this run by the usual count (a convolution's are its taps times its pixels),
  /// inactive experts left out.
  std::int64_t active_macs = 0;
};

/// Immutable after creation: any number of threads may run one engine at the same time; each concurrent run
/// takes its own working memory, which the engine keeps for later runs.
class Engine {
 public:
  /// Throws Error(invalid_argument) for a size that the network does not accept or a wrong thread count,
  /// Error(format) for a parameter that is missing or has another length than the architecture says, and for
  /// one that is not finite.
  Engine(const Architecture& architecture, const ReadParameter& read, const EngineSettings& settings);
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  /// Throws Error(invalid_argument) for a batch without images.
  void run(EngineRun& run) const;

  const Architecture& architecture() const;
  std::int64_t image_size() const;
  int threads() const;
  /// Experts of all gates together.
  std::int64_t experts() const;

  /// {"target", "image_size", "threads", "skip", "dense_macs", "active_macs", "precision",
  /// "weight_bytes", "working_bytes_per_image", "images_run", "steps": [{"name", "kind", "kernel",
  /// "dense_macs", "active_macs", "weight_bytes", "input_gate", "output_gate", "mean_microseconds"}]}: what
  /// each step is, and which gates spare its work (names of gate nodes, or null). MACs and times are of one
  /// image; active_macs is the mean of all runs so far and absent before the first; mean_microseconds is
  /// there when the settings ask for a profile, and is the time of one thread.
  nlohmann::json describe() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// A reader of the parameters in a safetensors file (float32, float16, bfloat16 or float64), which must stay
/// open.
class SafetensorsFile;
ReadParameter parameters_of(const SafetensorsFile& file);

}  // namespace deepmoe
