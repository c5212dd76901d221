# FindLibTorch: the LibTorch that PyTorch's own package installs, as one CMake target.
#
# PyTorch's package config needs a CUDA toolkit when torch was built with CUDA; linking torch_cpu and c10 alone does
# not, and CUDA is opened at run time. LibTorchSearch.cmake says where it is looked for.
#
# Defines: LibTorch::torch_cpu, LibTorch_FOUND, LibTorch_VERSION, LibTorch_ROOT, LibTorch_LIBRARY_DIR

include(${CMAKE_CURRENT_LIST_DIR}/LibTorchSearch.cmake)
libtorch_search(LibTorch_ROOT LibTorch_VERSION _libtorch_rejected)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_ROOT VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "no LibTorch ${LIBTORCH_MINIMUM} or newer was found.${_libtorch_rejected} Run 'sh cmake/bootstrap.sh' once, or set LIBTORCH to a folder with include/ and lib/ (such as site-packages/torch), or configure with -DDEEPMOE_BUILD_TRAINING=OFF")

if(LibTorch_FOUND AND NOT TARGET LibTorch::torch_cpu)
  set(LibTorch_LIBRARY_DIR ${LibTorch_ROOT}/lib)
  add_library(LibTorch::torch_cpu SHARED IMPORTED)
  set_target_properties(LibTorch::torch_cpu PROPERTIES
    IMPORTED_LOCATION ${LibTorch_LIBRARY_DIR}/libtorch_cpu${CMAKE_SHARED_LIBRARY_SUFFIX}
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_ROOT}/include;${LibTorch_ROOT}/include/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES ${LibTorch_LIBRARY_DIR}/libc10${CMAKE_SHARED_LIBRARY_SUFFIX})
  if(CMAKE_SYSTEM_NAME STREQUAL Linux)
    # A CUDA build of LibTorch refers to CUDA libraries that a CPU-only set-up does not have.
    set_property(TARGET LibTorch::torch_cpu APPEND PROPERTY INTERFACE_LINK_OPTIONS
                 "LINKER:--unresolved-symbols=ignore-in-shared-libs")
  endif()
endif()
