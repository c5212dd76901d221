#pragma once

#include "cuda/cuda_library.hpp"

namespace deepmoe {

/// LibTorch's CUDAGraph.
std::unique_ptr<CudaGraph> make_cuda_graph(const at::Device& device, const at::Generator& generator);

}  // namespace deepmoe
