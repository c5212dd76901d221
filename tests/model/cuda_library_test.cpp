#include "model/doctest_beside_libtorch.hpp"

#include "model/cuda_library.hpp"
#include "model/device.hpp"

using namespace deepmoe;

TEST_CASE("what needs the headers of CUDA is opened or it is said what is missing") {
  const OpenedCudaLibrary& opened = cuda_library();
  CHECK((opened.library != nullptr) == opened.reason.empty());
  if (!cuda_status().usable) CHECK(opened.reason == cuda_status().reason);
}

TEST_CASE("a library that is not there and one that is another are named") {
  const OpenedCudaLibrary missing = open_cuda_library("/nowhere/libdeepmoe_cuda.so.0");
  CHECK(missing.library == nullptr);
  CHECK(missing.reason.find("/nowhere/libdeepmoe_cuda.so.0") != std::string::npos);
  CHECK(missing.reason.find("No such file") != std::string::npos);

  const OpenedCudaLibrary other = open_cuda_library(libtorch_folder() + "/libc10.so");
  CHECK(other.library == nullptr);
  CHECK(other.reason.find("libc10.so is not libdeepmoe_cuda of version") != std::string::npos);
}

TEST_CASE("the library that was built opens where all of CUDA is there and else names what is not") {
#ifndef DEEPMOE_CUDA_LIBRARY
  MESSAGE("SKIPPED: this build has no libdeepmoe_cuda");
#else
  cuda_status();  // opens LibTorch's half first
  const OpenedCudaLibrary opened = open_cuda_library(DEEPMOE_CUDA_LIBRARY);
  if (opened.library != nullptr) {
    CHECK(opened.reason.empty());
    return;
  }
  CHECK(opened.reason.find("cannot open shared object file") != std::string::npos);
  // It is there; a library of CUDA is not.
  CHECK(opened.reason.find("libdeepmoe_cuda.so.0: cannot") == std::string::npos);
#endif
}
