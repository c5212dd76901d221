#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "training/process_group.hpp"

namespace deepmoe {

/// Sums of loss and accuracy over steps, kept on the device so that adding to them never waits for it.
class StepStatistics {
 public:
  explicit StepStatistics(const at::Device& device);

  /// Adds the batch of step `step`: its mean loss, and which of its logits (N, classes) agree with `labels`
  /// (N).
  void add(const at::Tensor& loss, const at::Tensor& logits, const at::Tensor& labels, std::int64_t step);

  struct Means {
    std::int64_t samples = 0;
    double loss = 0.0;
    double accuracy = 0.0;             ///< 0..1
    std::int64_t first_bad_step = -1;  ///< the first step whose loss was not finite, or -1
  };
  /// Waits for the device. All zeros when nothing was added.
  Means read() const;
  /// The same over all processes of a distributed run, but for first_bad_step, which is of this one.
  /// Collective.
  Means read(ProcessGroup& processes) const;
  void reset();
  /// Moves the sums of all processes to process 0, so that what it saves is whole; the others begin anew. The
  /// bad steps of others are forgotten. Collective.
  void gather(ProcessGroup& processes);

  /// The sums so far, as restore takes them: f64 (3) on the device, sharing memory with this object.
  const at::Tensor& sums() const { return sums_; }
  std::int64_t samples() const { return samples_; }
  /// Goes on from sums that another object had, on any device.
  void restore(const at::Tensor& sums, std::int64_t samples);

 private:
  at::Tensor sums_;  ///< f64: loss times samples, correct, first bad step
  std::int64_t samples_ = 0;
};

}  // namespace deepmoe
