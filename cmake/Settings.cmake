# Compiler and output settings shared by every target of the project.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  foreach(language C CXX)
    if(NOT CMAKE_${language}_COMPILER_LAUNCHER)
      # With these settings ccache also serves compilations that use a precompiled header, and those of the same files
      # in another clone.
      set(CMAKE_${language}_COMPILER_LAUNCHER
          ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
          CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
    endif()
  endforeach()
endif()

# Warnings for our own code; LibTorch and other dependencies are system includes.
add_library(deepmoe_warnings INTERFACE)
target_compile_options(deepmoe_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow
                       $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>)
if(DEEPMOE_WARNINGS_AS_ERRORS)
  target_compile_options(deepmoe_warnings INTERFACE -Werror)
endif()

set(DEEPMOE_SANITIZE "" CACHE STRING "Sanitizers to compile with, e.g. address,undefined or thread")
if(DEEPMOE_SANITIZE)
  # Of debug information, reports need functions and lines only; the rest makes a build slower.
  add_compile_options(-fsanitize=${DEEPMOE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # GCC takes variables that the address sanitizer guards for uninitialised, and with the thread sanitizer warns of
    # fences, which are in LibTorch's headers alone.
    add_compile_options(-Wno-maybe-uninitialized -Wno-tsan)
  endif()
  add_link_options(-fsanitize=${DEEPMOE_SANITIZE})
endif()
