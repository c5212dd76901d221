# libtorch_search(<root> <version> <rejected>): finds the LibTorch that PyTorch's own package installs.
#
# Looked for, in this order:
#   1. LIBTORCH (CMake or environment variable): when set, only there; then CMAKE_PREFIX_PATH
#   2. the torch of the python3 on PATH
#   3. the environment that cmake/bootstrap.sh makes in the user's cache folder
# <root> is a folder with include/ and lib/, empty if none was found; <rejected> says why candidates were passed over.
#
# `cmake -P LibTorchSearch.cmake` prints the root (nothing if there is none) and the reasons to standard error.

cmake_policy(PUSH)
cmake_policy(VERSION 3.22)

set(LIBTORCH_MINIMUM 2.6)

# The torch folders in the environments of the user's cache folder, newest first.
function(_libtorch_cached_environments result)
  # A relative XDG_CACHE_HOME is to be ignored.
  if(IS_ABSOLUTE "$ENV{XDG_CACHE_HOME}")
    set(cache "$ENV{XDG_CACHE_HOME}")
  else()
    set(cache "$ENV{HOME}/.cache")
  endif()
  file(GLOB environments "${cache}/libdeepmoe/libtorch-*/lib/python3*/site-packages/torch")
  list(SORT environments COMPARE NATURAL ORDER DESCENDING)
  set(${result} "${environments}" PARENT_SCOPE)
endfunction()

function(_libtorch_of_python result)
  # From PATH at every call: whoever activates another environment means that one.
  find_program(python NAMES python3 NO_CACHE)
  set(root "")
  if(python)
    execute_process(
      COMMAND ${python} -c "import importlib.util as u; s = u.find_spec('torch'); print((s.submodule_search_locations or [''])[0] if s else '')"
      OUTPUT_VARIABLE root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  set(${result} "${root}" PARENT_SCOPE)
endfunction()

# The version of the LibTorch in `root`, or why it cannot be used.
function(_libtorch_inspect root version reason)
  set(${version} "" PARENT_SCOPE)
  set(${reason} "" PARENT_SCOPE)
  if(CMAKE_HOST_APPLE)
    set(suffix .dylib)
  else()
    set(suffix .so)
  endif()
  set(api include/torch/csrc/api/include/torch)
  foreach(file ${api}/version.h lib/libtorch_cpu${suffix} lib/libc10${suffix})
    if(NOT EXISTS "${root}/${file}")
      set(${reason} "${root} has no ${file}" PARENT_SCOPE)
      return()
    endif()
  endforeach()

  # Since 2.8 the numbers are in a header that version.h includes.
  set(found "")
  foreach(file ${api}/version.h include/torch/headeronly/version.h)
    if(NOT found AND EXISTS "${root}/${file}")
      file(STRINGS "${root}/${file}" lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
      if("${lines}" MATCHES "MAJOR +([0-9]+).*MINOR +([0-9]+).*PATCH +([0-9]+)")
        set(found ${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3})
      endif()
    endif()
  endforeach()
  if(NOT found)
    set(${reason} "${root} does not tell its version" PARENT_SCOPE)
  elseif(found VERSION_LESS LIBTORCH_MINIMUM)
    set(${reason} "${root} is version ${found}, older than ${LIBTORCH_MINIMUM}" PARENT_SCOPE)
  else()
    # Some builds of 2.6 were compiled with GCC's old std::string and cannot be linked to.
    set(config ${root}/share/cmake/Torch/TorchConfig.cmake)
    if(EXISTS "${config}")
      file(STRINGS "${config}" old_strings REGEX "_GLIBCXX_USE_CXX11_ABI=0")
    endif()
    if(old_strings)
      set(${reason} "${root} was compiled for the C++ library's old ABI (_GLIBCXX_USE_CXX11_ABI=0)" PARENT_SCOPE)
    else()
      set(${version} ${found} PARENT_SCOPE)
    endif()
  endif()
endfunction()

function(libtorch_search root_result version_result rejected_result)
  set(explicit TRUE)
  if(LIBTORCH)
    set(candidates "${LIBTORCH}")
  elseif(NOT "$ENV{LIBTORCH}" STREQUAL "")
    set(candidates "$ENV{LIBTORCH}")
  else()
    set(explicit FALSE)
    _libtorch_of_python(of_python)
    _libtorch_cached_environments(cached)
    set(candidates ${CMAKE_PREFIX_PATH} ${of_python} ${cached})
  endif()

  set(rejected "")
  foreach(candidate IN LISTS candidates)
    _libtorch_inspect("${candidate}" version reason)
    if(version)
      set(${root_result} "${candidate}" PARENT_SCOPE)
      set(${version_result} ${version} PARENT_SCOPE)
      set(${rejected_result} "" PARENT_SCOPE)
      return()
    endif()
    # Most folders of CMAKE_PREFIX_PATH were never meant for LibTorch.
    if(explicit OR IS_DIRECTORY "${candidate}/include/torch")
      string(APPEND rejected " ${reason}.")
    endif()
  endforeach()
  set(${root_result} "" PARENT_SCOPE)
  set(${version_result} "" PARENT_SCOPE)
  set(${rejected_result} "${rejected}" PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  libtorch_search(root version rejected)
  if(root)
    execute_process(COMMAND ${CMAKE_COMMAND} -E echo "${root}")
  elseif(rejected)
    message("${rejected}")
  endif()
endif()

cmake_policy(POP)
