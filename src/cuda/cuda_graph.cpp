#include "cuda/cuda_graph.hpp"

#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/Event.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace deepmoe {
namespace {

/// LibTorch before 2.13 wants to be told of generators; later versions notice which ones are drawn from.
template <class GeneratorImplementation>
void register_generator(GeneratorImplementation& generator, at::cuda::CUDAGraph& graph) {
  if constexpr (requires { generator.register_graph(&graph); }) generator.register_graph(&graph);
}

/// By the rules of "CUDA semantics: CUDA Graphs" in LibTorch's documentation.
class LibTorchGraph : public CudaGraph {
 public:
  LibTorchGraph(const at::Device& device, const at::Generator& generator)
      : stream_(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())) {
    const c10::cuda::CUDAGuard guard(device);
    register_generator(*generator.get<at::CUDAGeneratorImpl>(), graph_);
  }

  void warm_up(const std::function<void()>& work) override {
    const c10::Stream current = c10::cuda::getCurrentCUDAStream(stream_.device_index()).unwrap();
    order(current, stream_.unwrap());
    {
      const c10::cuda::CUDAStreamGuard guard(stream_);
      work();
    }
    order(stream_.unwrap(), current);
  }

  void record(const std::function<void()>& work) override {
    const c10::cuda::CUDAStreamGuard guard(stream_);
    // What was cached for other work is of no use to the graph, which has memory of its own.
    c10::cuda::device_synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();
    // Other threads of the host's program may go on using CUDA meanwhile.
    graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      end_failed_recording();
      throw;
    }
    graph_.capture_end();
  }

  void replay() override { graph_.replay(); }

 private:
  /// Lets what comes on stream `second` wait for what is on `first`.
  static void order(const c10::Stream& first, const c10::Stream& second) {
    c10::Event event(c10::DeviceType::CUDA);
    event.record(first);
    event.block(second);
  }

  /// The stream must not go on recording. What went wrong is known already.
  void end_failed_recording() noexcept {
    try {
      graph_.capture_end();
    } catch (const std::exception&) {
    }
  }

  c10::cuda::CUDAStream stream_;
  at::cuda::CUDAGraph graph_;
};

}  // namespace

std::unique_ptr<CudaGraph> make_cuda_graph(const at::Device& device, const at::Generator& generator) {
  return std::make_unique<LibTorchGraph>(device, generator);
}

}  // namespace deepmoe
