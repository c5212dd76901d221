# cmake/LibTorchSearch.cmake against made-up LibTorch folders: the order of places, and what is refused.
# Variables: SEARCH (the script), WORK (a folder to use).

cmake_minimum_required(VERSION 3.22)
file(REMOVE_RECURSE ${WORK})
if(CMAKE_HOST_APPLE)
  set(suffix .dylib)
else()
  set(suffix .so)
endif()

function(make_libtorch root version)
  string(REPLACE "." ";" numbers ${version})
  list(GET numbers 0 major)
  list(GET numbers 1 minor)
  list(GET numbers 2 patch)
  file(WRITE ${root}/include/torch/csrc/api/include/torch/version.h
       "#define TORCH_VERSION_MAJOR ${major}\n#define TORCH_VERSION_MINOR ${minor}\n"
       "#define TORCH_VERSION_PATCH ${patch}\n")
  file(WRITE ${root}/lib/libtorch_cpu${suffix} "")
  file(WRITE ${root}/lib/libc10${suffix} "")
endfunction()

# expect_found(<what> <root or nothing> <regular expression for the reasons> <environment and -D arguments...>)
function(expect_found what root reasons)
  set(environment "")
  set(definitions "")
  foreach(argument IN LISTS ARGN)
    if(argument MATCHES "^-D")
      list(APPEND definitions ${argument})
    else()
      list(APPEND environment ${argument})
    endif()
  endforeach()
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env --unset=LIBTORCH --unset=CMAKE_PREFIX_PATH XDG_CACHE_HOME=${WORK}/empty
            PATH=${WORK}/no_python ${environment} ${CMAKE_COMMAND} ${definitions} -P ${SEARCH}
    OUTPUT_VARIABLE found ERROR_VARIABLE reported RESULT_VARIABLE result OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT result EQUAL 0 OR NOT "${found}" STREQUAL "${root}" OR NOT "${reported}" MATCHES "${reasons}")
    message(SEND_ERROR "${what}: found '${found}' instead of '${root}'\n"
                       "reported '${reported}' instead of '${reasons}'")
  endif()
endfunction()

set(given "${WORK}/given by hand")
set(prefix ${WORK}/prefix)
set(python_torch ${WORK}/python/torch)
set(cache ${WORK}/cache/libdeepmoe)
set(cached_new ${cache}/libtorch-2.14.1/lib/python3.11/site-packages/torch)
set(cached_old ${cache}/libtorch-2.9.0/lib/python3.11/site-packages/torch)
make_libtorch("${given}" 2.7.0)
make_libtorch(${prefix} 2.8.0)
make_libtorch(${python_torch} 2.6.0)
make_libtorch(${cached_new} 2.14.1)
make_libtorch(${cached_old} 2.9.0)
make_libtorch(${WORK}/home/.cache/libdeepmoe/libtorch-2.10.0/lib/python3.12/site-packages/torch 2.10.0)
file(WRITE ${WORK}/bin/python3 "#!/bin/sh\necho '${python_torch}'\n")
file(CHMOD ${WORK}/bin/python3 PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)

set(with_cache XDG_CACHE_HOME=${WORK}/cache)
set(with_python PATH=${WORK}/bin)
expect_found("Nothing anywhere" "" "^$")
expect_found("Cache only; its newest" ${cached_new} "^$" ${with_cache})
expect_found("Python before the cache" ${python_torch} "^$" ${with_cache} ${with_python})
expect_found("Prefix path before Python" ${prefix} "^$" ${with_cache} ${with_python} -DCMAKE_PREFIX_PATH=${prefix})
expect_found("LIBTORCH of the environment before all" "${given}" "^$"
             ${with_cache} ${with_python} -DCMAKE_PREFIX_PATH=${prefix} "LIBTORCH=${given}")
expect_found("LIBTORCH of CMake before that" ${prefix} "^$" "LIBTORCH=${given}" -DLIBTORCH=${prefix})
expect_found("A LIBTORCH that is none is not replaced" "" "nowhere has no include/"
             ${with_cache} ${with_python} LIBTORCH=${WORK}/nowhere)
expect_found("A relative cache folder is ignored"
             ${WORK}/home/.cache/libdeepmoe/libtorch-2.10.0/lib/python3.12/site-packages/torch "^$"
             XDG_CACHE_HOME=cache HOME=${WORK}/home)

file(REMOVE ${cached_new}/lib/libc10${suffix})
expect_found("An incomplete folder is passed over" ${cached_old} "^$" ${with_cache})
make_libtorch(${cached_new} 2.5.1)
file(REMOVE_RECURSE ${cached_old})
expect_found("Too old" "" "is version 2.5.1, older than 2.6" ${with_cache})
make_libtorch(${cached_new} 2.6.0)
file(WRITE ${cached_new}/share/cmake/Torch/TorchConfig.cmake
     "set(TORCH_CXX_FLAGS \"-D_GLIBCXX_USE_CXX11_ABI=0\")\n")
expect_found("The C++ library's old ABI" "" "old ABI" ${with_cache})
# Since 2.8 version.h only includes the header with the numbers.
make_libtorch(${cached_old} 2.14.0)
file(RENAME ${cached_old}/include/torch/csrc/api/include/torch/version.h ${WORK}/version.h)
file(WRITE ${cached_old}/include/torch/csrc/api/include/torch/version.h "#include <torch/headeronly/version.h>\n")
file(MAKE_DIRECTORY ${cached_old}/include/torch/headeronly)
file(RENAME ${WORK}/version.h ${cached_old}/include/torch/headeronly/version.h)
expect_found("The version in the newer header" ${cached_old} "^$" ${with_cache})
