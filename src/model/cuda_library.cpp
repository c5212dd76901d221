#include "model/cuda_library.hpp"

#include <dlfcn.h>

#include "base/base.hpp"
#include "model/device.hpp"

namespace deepmoe {

OpenedCudaLibrary open_cuda_library(const std::string& name) {
  OpenedCudaLibrary opened;
  void* const file = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (file == nullptr) {
    const char* const message = dlerror();
    opened.reason =
        concat("libdeepmoe_cuda could not be opened (", message != nullptr ? message : "no reason was given",
               "); it is built where CUDA's headers are found, and belongs beside libdeepmoe");
    return opened;
  }
  const auto entry = reinterpret_cast<decltype(&deepmoe_cuda_library)>(dlsym(file, "deepmoe_cuda_library"));
  if (entry != nullptr) opened.library = entry(DEEPMOE_VERSION);
  if (opened.library == nullptr) {
    opened.reason = concat(name, " is not libdeepmoe_cuda of version ", DEEPMOE_VERSION,
                           ", which is that of libdeepmoe; install both from one package");
  }
  return opened;
}

const OpenedCudaLibrary& cuda_library() {
  static const OpenedCudaLibrary opened = [] {
    if (!cuda_status().usable) return OpenedCudaLibrary{nullptr, cuda_status().reason};
    // By its name alone: libdeepmoe's own path for libraries begins with its folder.
    return open_cuda_library("libdeepmoe_cuda.so.0");
  }();
  return opened;
}

}  // namespace deepmoe
