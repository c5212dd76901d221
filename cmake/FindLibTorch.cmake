# FindLibTorch: the LibTorch that PyTorch's own package installs.
#
# PyTorch's package config needs a CUDA toolkit when torch was built with CUDA; linking torch_cpu and c10 alone does
# not, and CUDA is opened at run time. Looked for, in this order:
#   1. LIBTORCH (CMake or environment variable) and CMAKE_PREFIX_PATH: a folder with include/ and lib/
#   2. the torch of the python3 on PATH
#   3. the environment that cmake/bootstrap.sh makes in the user's cache folder
#
# Defines: LibTorch::torch_cpu, LibTorch_FOUND, LibTorch_VERSION, LibTorch_ROOT, LibTorch_LIBRARY_DIR

set(_libtorch_minimum 2.6)
set(_libtorch_candidates "")
if(LIBTORCH)
  list(APPEND _libtorch_candidates ${LIBTORCH})
endif()
if(DEFINED ENV{LIBTORCH})
  list(APPEND _libtorch_candidates $ENV{LIBTORCH})
endif()
list(APPEND _libtorch_candidates ${CMAKE_PREFIX_PATH})

find_program(LibTorch_PYTHON python3)
mark_as_advanced(LibTorch_PYTHON)
if(LibTorch_PYTHON)
  execute_process(
    COMMAND ${LibTorch_PYTHON} -c "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE _libtorch_python_root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  list(APPEND _libtorch_candidates ${_libtorch_python_root})
endif()

if(DEFINED ENV{XDG_CACHE_HOME})
  set(_libtorch_cache $ENV{XDG_CACHE_HOME}/libdeepmoe)
else()
  set(_libtorch_cache $ENV{HOME}/.cache/libdeepmoe)
endif()
file(GLOB _libtorch_environments ${_libtorch_cache}/libtorch-*/lib/python3*/site-packages/torch)
list(SORT _libtorch_environments COMPARE NATURAL ORDER DESCENDING)
list(APPEND _libtorch_candidates ${_libtorch_environments})

set(LibTorch_ROOT "")
set(LibTorch_VERSION "")
set(_libtorch_rejected "")
foreach(_candidate IN LISTS _libtorch_candidates)
  set(_version_file ${_candidate}/include/torch/csrc/api/include/torch/version.h)
  if(NOT EXISTS ${_version_file} OR NOT EXISTS ${_candidate}/lib/libtorch_cpu${CMAKE_SHARED_LIBRARY_SUFFIX})
    continue()
  endif()
  # version.h includes the generated header of newer versions.
  set(_version_files ${_version_file} ${_candidate}/include/torch/headeronly/version.h)
  set(_version "")
  foreach(_file IN LISTS _version_files)
    if(EXISTS ${_file})
      file(STRINGS ${_file} _lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
      if(_lines AND NOT _version)
        string(REGEX REPLACE ".*MAJOR +([0-9]+).*MINOR +([0-9]+).*PATCH +([0-9]+).*" "\\1.\\2.\\3" _version "${_lines}")
      endif()
    endif()
  endforeach()
  if(_version VERSION_LESS _libtorch_minimum)
    string(APPEND _libtorch_rejected " ${_candidate} has version '${_version}';")
    continue()
  endif()
  set(LibTorch_ROOT ${_candidate})
  set(LibTorch_VERSION ${_version})
  break()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_ROOT VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "no LibTorch ${_libtorch_minimum} or newer was found.${_libtorch_rejected} Run 'sh cmake/bootstrap.sh' once, or set LIBTORCH to a folder with include/ and lib/, or configure with -DDEEPMOE_BUILD_TRAINING=OFF")

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
