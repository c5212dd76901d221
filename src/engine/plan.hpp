#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "architecture/architecture.hpp"
#include "engine/buffers.hpp"
#include "engine/convolution_kernel.hpp"
#include "engine/linear.hpp"
#include "engine/lowering.hpp"

namespace deepmoe {

/// A step with its packed weights.
struct PlannedStep {
  Step step;  ///< without its weights
  std::unique_ptr<ConvolutionKernel> convolution;
  std::unique_ptr<LinearKernel> linear;
  std::vector<float> base;  ///< of a linear step: what its constants add to each output
  std::int64_t dense_macs = 0;
  std::size_t weight_bytes = 0;
  mutable std::atomic<std::int64_t> active_macs = 0;  ///< of all runs so far
  mutable std::atomic<std::int64_t> nanoseconds = 0;  ///< the same, when a profile is asked for
};

/// A lowered network ready to run: immutable but for the counts of what was run.
struct Plan {
  Plan(const Architecture& architecture, std::int64_t image_size, bool skip, WeightPrecision precision,
       const Kernels& kernels, const ReadParameter& read);

  const Kernels& kernels;
  WeightPrecision precision;
  LoweredNetwork network;  ///< its steps are in `steps`
  std::vector<std::unique_ptr<PlannedStep>> steps;
  std::size_t late_step = 0;  ///< from here on all samples of a run are computed together
  BufferPlan buffers;
  std::vector<std::string> gate_names;
  std::vector<std::int32_t> gate_offsets;  ///< of each gate's first expert among all experts
  std::int32_t experts = 0;                ///< of all gates
  std::size_t widest = 0;                  ///< channels or features of any value
  std::size_t most_features = 0;           ///< that a linear step reads
  std::int64_t dense_macs = 0;             ///< of one sample
  std::size_t weight_bytes = 0;
  bool profile = false;
  mutable std::atomic<std::int64_t> samples = 0;  ///< that were run

  /// Samples that one thread takes through the network together, and through its early steps: enough to read
  /// weights seldom, few enough that what lies between two layers stays in the cache.
  static constexpr PassSizes pass_sizes{16, 64};

  /// Floats of scratch memory that any step needs.
  std::size_t scratch_floats(std::int32_t samples_at_a_time, int threads) const;
};

}  // namespace deepmoe
