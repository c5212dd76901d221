# FindLibTorchCuda: the CUDA half of the LibTorch that FindLibTorch has found, with the headers that its own include.
#
# No CUDA toolkit is needed. The headers are those of the packages that PyTorch's depends on (nvidia-cuda-runtime,
# nvidia-cuda-cccl, nvidia-nccl) and of nvidia-cuda-crt, which are looked for beside LibTorch, or a toolkit's. NCCL's
# must be of the version that LibTorch was compiled with. Those of cuBLAS, cuSPARSE and cuSOLVER, whose packages have
# gigabytes, are replaced where they are not there.
#
# Defines: LibTorch::torch_cuda, LibTorchCuda_FOUND

set(_beside ${LibTorch_ROOT}/../nvidia)
file(GLOB _folders ${_beside}/cu*/include ${_beside}/*/include)
list(APPEND _folders $ENV{CUDA_HOME}/include /usr/local/cuda/include)
file(GLOB _libraries ${_beside}/cu*/lib ${_beside}/cuda_runtime/lib)
list(APPEND _libraries $ENV{CUDA_HOME}/lib64 /usr/local/cuda/lib64)

find_library(LibTorchCuda_LIBRARY torch_cuda PATHS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH NO_CACHE)
find_library(LibTorchCuda_C10_LIBRARY c10_cuda PATHS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH NO_CACHE)
find_library(LibTorchCuda_RUNTIME_LIBRARY NAMES libcudart.so.13 libcudart.so.12 cudart HINTS ${_libraries} NO_CACHE)
find_path(LibTorchCuda_RUNTIME_HEADERS cuda_runtime_api.h HINTS ${_folders} NO_CACHE)
find_path(LibTorchCuda_COMPILER_HEADERS crt/host_defines.h HINTS ${_folders} NO_CACHE)
find_path(LibTorchCuda_TARGET_HEADERS nv/target HINTS ${_folders} NO_CACHE)
find_path(LibTorchCuda_NCCL_HEADERS nccl.h HINTS ${_folders} NO_CACHE)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorchCuda REQUIRED_VARS LibTorchCuda_LIBRARY LibTorchCuda_C10_LIBRARY
  LibTorchCuda_RUNTIME_LIBRARY LibTorchCuda_RUNTIME_HEADERS LibTorchCuda_COMPILER_HEADERS LibTorchCuda_TARGET_HEADERS
  LibTorchCuda_NCCL_HEADERS)

if(LibTorchCuda_FOUND AND NOT TARGET LibTorch::torch_cuda)
  set(_headers ${LibTorchCuda_RUNTIME_HEADERS} ${LibTorchCuda_COMPILER_HEADERS} ${LibTorchCuda_TARGET_HEADERS}
               ${LibTorchCuda_NCCL_HEADERS})
  foreach(_name cublas_v2 cublasLt cusparse cusolverDn cusolver_common)
    find_path(LibTorchCuda_${_name}_HEADERS ${_name}.h HINTS ${_folders} NO_CACHE)
    if(NOT LibTorchCuda_${_name}_HEADERS)
      configure_file(${CMAKE_CURRENT_LIST_DIR}/opaque_handles.h.in ${PROJECT_BINARY_DIR}/opaque_handles/${_name}.h COPYONLY)
      set(LibTorchCuda_${_name}_HEADERS ${PROJECT_BINARY_DIR}/opaque_handles)
    endif()
    list(APPEND _headers ${LibTorchCuda_${_name}_HEADERS})
  endforeach()
  list(REMOVE_DUPLICATES _headers)
  add_library(LibTorch::torch_cuda SHARED IMPORTED)
  set_target_properties(LibTorch::torch_cuda PROPERTIES
    IMPORTED_LOCATION ${LibTorchCuda_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES "${_headers}"
    INTERFACE_COMPILE_DEFINITIONS USE_C10D_NCCL
    INTERFACE_LINK_LIBRARIES "LibTorch::torch_cpu;${LibTorchCuda_C10_LIBRARY};${LibTorchCuda_RUNTIME_LIBRARY}")
endif()
