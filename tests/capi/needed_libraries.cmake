# cmake -DREADELF=... -DLIBRARY=... -P needed_libraries.cmake
# libdeepmoe_runtime must load where LibTorch, CUDA, Python and the image libraries are absent.

cmake_minimum_required(VERSION 3.22)

execute_process(COMMAND ${READELF} -d ${LIBRARY} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\\(NEEDED\\)[^\n]*" needed "${output}")
if(NOT needed)
  message(FATAL_ERROR "no needed libraries were found in the output of ${READELF} -d ${LIBRARY}")
endif()
foreach(line IN LISTS needed)
  message(STATUS "${line}")
  if(line MATCHES "torch|c10|cuda|python|png|jpeg|tbb")
    message(SEND_ERROR "${LIBRARY} needs ${line}")
  endif()
endforeach()
