#pragma once

#include <string>

#include "cuda/cuda_library.hpp"

namespace deepmoe {

/// libdeepmoe_cuda, or why it is not there.
struct OpenedCudaLibrary {
  const CudaLibrary* library = nullptr;
  std::string reason;  ///< what is missing, where there is none
};

/// Opens libdeepmoe_cuda once per process, with LibTorch's CUDA half (see cuda_status), so that it is asked
/// for where a CUDA device is used. Thread-safe.
const OpenedCudaLibrary& cuda_library();

/// The same for the file `name`, or for one of that name that the dynamic linker finds, whatever cuda_status
/// says.
OpenedCudaLibrary open_cuda_library(const std::string& name);

}  // namespace deepmoe
