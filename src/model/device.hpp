#pragma once

#include <ATen/ATen.h>

#include <string>

namespace deepmoe {

/// What became of the attempt to use CUDA.
struct CudaStatus {
  bool usable = false;
  std::string reason;   ///< what is missing, when not usable
  std::string library;  ///< the path that was opened, if any
  int device_count = 0;
};

/// Opens LibTorch's CUDA half, once per process, and says whether it can be used. LibTorch caches its first
/// answer about CUDA, so this must come before any work on tensors for CUDA to be usable at all. Thread-safe.
const CudaStatus& cuda_status();

/// The device that option `device` names: "auto" (CUDA where it can be used, else the CPU), "cpu", "cuda",
/// "cuda:N". Errors: invalid_argument for another text or a number that does not exist, unsupported for CUDA
/// that cannot be used, with what is missing; never a silent fallback. Without a number the device is that of
/// `local_rank`, so that the processes of one machine share its devices evenly.
at::Device resolve_device(const std::string& text, std::int64_t local_rank = 0);

/// The folder of the libtorch_cpu that is in use.
std::string libtorch_folder();

/// A random generator of its own for tensors on `device`.
at::Generator make_generator(const at::Device& device, std::uint64_t seed);

/// Option `threads`: how many threads LibTorch's operators use, in the whole process. 0 leaves it at one per
/// core.
void set_thread_count(std::int64_t threads);

/// Option `deterministic`: from now on, in the whole process, an operator without an algorithm that always
/// gives the same result is an error.
void use_deterministic_algorithms();

}  // namespace deepmoe
