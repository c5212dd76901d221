#pragma once

/// What libdeepmoe and libdeepmoe_cuda have between them. libdeepmoe opens the other where a CUDA device is
/// used (see model/cuda_library.hpp); both are of one version and linked to one LibTorch, so that its types
/// can pass.

#include <ATen/ATen.h>

#include <chrono>
#include <functional>
#include <memory>

namespace c10d {
class Backend;
class Store;
}  // namespace c10d

namespace deepmoe {

/// Work for a CUDA device that is recorded once, and then launched again as a whole, at the cost of one
/// launch. One thread at a time.
class CudaGraph {
 public:
  virtual ~CudaGraph() = default;

  /// Does `work` on the stream that a recording is made on: after what is on the current stream by now, and
  /// before what comes there next. LibTorch wants work to be done so a few times before it is recorded.
  virtual void warm_up(const std::function<void()>& work) = 0;

  /// Records `work` without doing it. It must neither wait for the device nor depend on numbers of the host
  /// that change; tensors that it reads from outside must live as long as this object, at the same address.
  /// Memory that it allocates stays with this object. Waits for the device first. At most once, and not again
  /// after it threw. Errors: those of `work` and of LibTorch for what cannot be recorded; then nothing has
  /// happened on the device.
  virtual void record(const std::function<void()>& work) = 0;

  /// Does what was recorded, on the current stream, with what the tensors hold then. Does not wait for the
  /// device.
  virtual void replay() = 0;
};

class CudaLibrary {
 public:
  virtual ~CudaLibrary() = default;

  /// A graph on `device`; `generator` is one that the recorded work draws from besides the device's own.
  virtual std::unique_ptr<CudaGraph> make_graph(const at::Device& device,
                                                const at::Generator& generator) const = 0;

  /// NCCL among `size` processes that meet at `store`; whoever has not answered after `timeout` is lost. Made
  /// without the others: they are waited for in the first collective call.
  virtual c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                                      int size, std::chrono::milliseconds timeout) const = 0;
};

}  // namespace deepmoe

/// The library's only symbol: null where `version` is not its own. The object lives as long as the process.
extern "C" const deepmoe::CudaLibrary* deepmoe_cuda_library(const char* version);
