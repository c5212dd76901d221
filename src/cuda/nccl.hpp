#pragma once

#include "cuda/cuda_library.hpp"

namespace deepmoe {

/// LibTorch's ProcessGroupNCCL.
c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                                    int size, std::chrono::milliseconds timeout);

}  // namespace deepmoe
