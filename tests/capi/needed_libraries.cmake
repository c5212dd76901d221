# cmake -DREADELF=... -DSTRIP=... -DLIBRARY=... -DCOPY=... -P needed_libraries.cmake
# libdeepmoe_runtime must load where LibTorch, CUDA, Python and the image libraries are absent: it needs the C and C++
# libraries, oneTBB and Highway, and nothing else. Stripped, it has at most 4 MiB.

cmake_minimum_required(VERSION 3.22)

execute_process(COMMAND ${READELF} -d ${LIBRARY} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\\(NEEDED\\)[^\n]*" needed "${output}")
if(NOT needed)
  message(FATAL_ERROR "no needed libraries were found in the output of ${READELF} -d ${LIBRARY}")
endif()
foreach(line IN LISTS needed)
  message(STATUS "${line}")
  if(NOT line MATCHES "\\[(ld-linux[-a-z0-9_]*|lib(c|m|gcc_s|stdc\\+\\+|atomic|pthread|tbb|hwy))\\.so[.0-9]*\\]")
    message(SEND_ERROR "${LIBRARY} needs ${line}")
  endif()
endforeach()

execute_process(COMMAND ${STRIP} -o ${COPY} ${LIBRARY} COMMAND_ERROR_IS_FATAL ANY)
file(SIZE ${COPY} size)
message(STATUS "${size} bytes")
if(size GREATER 4194304)
  message(SEND_ERROR "${LIBRARY} has ${size} bytes when stripped, and may have 4194304")
endif()
