#include "cuda/cuda_library.hpp"

#include <string_view>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "cuda/cuda_graph.hpp"
#include "cuda/nccl.hpp"

namespace deepmoe {
namespace {

class Library : public CudaLibrary {
 public:
  std::unique_ptr<CudaGraph> make_graph(const at::Device& device,
                                        const at::Generator& generator) const override {
    return make_cuda_graph(device, generator);
  }

  c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                              int size, std::chrono::milliseconds timeout) const override {
    return make_nccl_backend(store, rank, size, timeout);
  }
};

}  // namespace
}  // namespace deepmoe

__attribute__((visibility("default"))) const deepmoe::CudaLibrary* deepmoe_cuda_library(const char* version) {
  static const deepmoe::Library library;
  return std::string_view(version) == DEEPMOE_VERSION ? &library : nullptr;
}
