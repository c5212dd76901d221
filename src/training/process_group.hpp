#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "base/base.hpp"
#include "model/cuda_library.hpp"
#include "options/options.hpp"

namespace c10d {
class ProcessGroup;
}

namespace deepmoe {

/// The processes that train one model together, each on its shard of every batch, over LibTorch's c10d and
/// Gloo. Its functions are collective: every process calls the same ones in the same order, and one waits for
/// the other, at most option distributed_timeout long. All but the constructor do nothing, at no cost, in a
/// process that is alone. One thread at a time. Errors: io where another process is gone or does not answer
/// in time; from then on every call fails.
class ProcessGroup {
 public:
  /// A process that is alone.
  ProcessGroup() = default;
  /// Waits for the other processes to come.
  ProcessGroup(const ProcessPlace& place, double timeout_seconds);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  /// The group of this process, as options distributed and distributed_timeout and the environment say: made
  /// with the first trainer, and shared by those that follow.
  static std::shared_ptr<ProcessGroup> of_process(const Options& options);

  /// Lets tensors on CUDA go over NCCL from here on where every process has it, and a device of its own; else
  /// they go over Gloo, and the log says why. True for NCCL. Collective; once it has said true, nothing is
  /// asked again. `library` is the process's own, and must outlive it.
  bool use_nccl(const at::Device& device, const OpenedCudaLibrary& library);

  std::int64_t rank() const { return place_.rank; }
  std::int64_t size() const { return place_.size; }
  bool alone() const { return place_.size == 1; }

  /// Replaces the tensor by its sum over the processes, which is the same bits in each.
  void sum(const at::Tensor& tensor);
  /// Replaces the number by its mean over the processes.
  double mean(double value);
  /// For each of the numbers, of which every process has as many, the largest of the processes' ones.
  std::vector<std::int64_t> largest(std::vector<std::int64_t> values);
  /// Replaces the tensors by those of process 0.
  void broadcast(const std::vector<at::Tensor>& tensors);
  /// Error(invalid_argument) in every process when one has another text than process 0; `what` names it.
  void expect_same(const std::string& text, const std::string& what);

  /// Throws the error of a failed collective call that was made elsewhere, such as in a backward pass.
  [[noreturn]] void fail_lost(const std::exception& reason) const;

  /// For GradientReduction.
  const std::shared_ptr<struct Connection>& connection() const { return connection_; }

 private:
  /// Ends calls that a device still waits in for others.
  void abort_nccl() const;

  template <class Work>
  void collective(const Work& work);

  ProcessPlace place_;
  double timeout_seconds_ = 0.0;
  std::shared_ptr<struct Connection> connection_;
};

}  // namespace deepmoe
