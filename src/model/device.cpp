#include "model/device.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include <charconv>
#include <mutex>

#include "base/base.hpp"

namespace deepmoe {
namespace {

std::string dynamic_linker_error() {
  const char* message = dlerror();
  return message != nullptr ? message : "no reason was given";
}

CudaStatus open_cuda() {
  CudaStatus status;
#if defined(__APPLE__)
  status.reason = "CUDA does not exist on this system";
#else
  // Without the driver, opening LibTorch's gigabyte of kernels would be in vain.
  if (dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) == nullptr) {
    status.reason = "the NVIDIA driver is missing (" + dynamic_linker_error() + ")";
    return status;
  }
  const std::string library = libtorch_folder() + "/libtorch_cuda.so";
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    status.reason = "LibTorch's CUDA half could not be opened (" + dynamic_linker_error() +
                    "); install PyTorch's full CUDA package, with all of its dependencies";
    return status;
  }
  status.library = library;
  if (!at::globalContext().hasCUDA()) {
    status.reason =
        "LibTorch was first used without CUDA in this process and keeps that answer; create a model on "
        "device 'cuda' or 'auto' before any on 'cpu'";
    return status;
  }
  status.device_count = static_cast<int>(at::detail::getCUDAHooks().deviceCount());
  if (status.device_count == 0) {
    status.reason = "the driver reports no CUDA device";
    return status;
  }
  status.usable = true;
#endif
  return status;
}

}  // namespace

const CudaStatus& cuda_status() {
  static const CudaStatus status = open_cuda();
  return status;
}

at::Device resolve_device(const std::string& text, std::int64_t local_rank) {
  if (text == "cpu" || (text == "auto" && !cuda_status().usable)) return at::Device(at::kCPU);
  if (text == "auto") return resolve_device("cuda", local_rank);
  int index = 0;
  if (text != "cuda") {
    const char* begin = text.data() + 5;
    const char* end = text.data() + text.size();
    if (text.size() <= 5 || text.compare(0, 5, "cuda:") != 0 ||
        std::from_chars(begin, end, index).ptr != end || index < 0) {
      fail(ErrorCode::invalid_argument, "device '", text, "' is not one of auto, cpu, cuda, cuda:N");
    }
  }
  const CudaStatus& status = cuda_status();
  if (!status.usable) {
    fail(ErrorCode::unsupported, "device '", text, "' cannot be used: ", status.reason,
         ". Use device 'cpu', or 'auto' to take whatever is there");
  }
  if (text == "cuda") index = static_cast<int>(local_rank % status.device_count);
  if (index >= status.device_count) {
    fail(ErrorCode::invalid_argument, "device '", text, "' does not exist: this machine has ",
         status.device_count, " CUDA device(s), numbered from 0");
  }
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

std::string libtorch_folder() {
  Dl_info info;
  void* symbol = reinterpret_cast<void*>(&at::get_num_threads);
  if (dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return ".";
  const std::string path = info.dli_fname;
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

at::Generator make_generator(const at::Device& device, std::uint64_t seed) {
  at::Generator generator = device.is_cuda() ? at::detail::getCUDAHooks().getNewGenerator(device.index())
                                             : at::make_generator<at::CPUGeneratorImpl>(seed);
  const std::lock_guard lock(generator.mutex());
  generator.set_current_seed(seed);
  return generator;
}

void set_thread_count(std::int64_t threads) {
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
}

void use_deterministic_algorithms() {
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(true, /*warn_only=*/false);
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  // Memory that nobody reads before writing need not be filled.
  context.setDeterministicFillUninitializedMemory(false);
}

}  // namespace deepmoe
