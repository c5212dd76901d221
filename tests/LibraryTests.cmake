# Tests of what is shipped: the headers, the shared libraries and the samples, used as a host would.

# One thread a test: these networks are too small for more, and ctest runs tests side by side.
set(_environment OMP_NUM_THREADS=1)

set(_capi ${PROJECT_SOURCE_DIR}/capi)
set(_here ${CMAKE_CURRENT_LIST_DIR}/capi)

# The headers compile clean by every standard they promise.
# deepmoe_compile_test(<name> <compiler> <standard> <source> <options...>)
function(deepmoe_compile_test name compiler standard source)
  add_test(NAME "capi/${name}"
    COMMAND ${compiler} -std=${standard} -Wall -Wextra -pedantic -Werror ${ARGN} -I${_capi}
            -I${PROJECT_SOURCE_DIR}/include -fsyntax-only ${_here}/${source})
endfunction()
foreach(standard c99 c11 c17)
  deepmoe_compile_test("headers compile as ${standard}" ${CMAKE_C_COMPILER} ${standard} headers.c -Wstrict-prototypes)
  deepmoe_compile_test("the runtime header compiles alone as ${standard}" ${CMAKE_C_COMPILER} ${standard}
                       headers_runtime.c -Wstrict-prototypes)
endforeach()
foreach(standard c99 c11 c17)
  deepmoe_compile_test("the plugins' header compiles alone as ${standard}" ${CMAKE_C_COMPILER} ${standard}
                       headers_plugin.c -Wstrict-prototypes)
endforeach()
foreach(standard c++17 c++20)
  deepmoe_compile_test("the plugins' header compiles alone as ${standard}" ${CMAKE_CXX_COMPILER} ${standard}
                       headers_plugin.c -x c++)
  deepmoe_compile_test("headers compile as ${standard}" ${CMAKE_CXX_COMPILER} ${standard} headers.c -x c++)
  deepmoe_compile_test("the wrapper compiles as ${standard}" ${CMAKE_CXX_COMPILER} ${standard} wrapper_header.cpp
                       -Wconversion -Wshadow)
  deepmoe_compile_test("the wrapper compiles for the runtime alone as ${standard}" ${CMAKE_CXX_COMPILER} ${standard}
                       wrapper_header.cpp -Wconversion -Wshadow -DDEEPMOE_RUNTIME_ONLY)
endforeach()

# Exports and needs of the binaries. Sanitizers add symbols and libraries of their own.
# deepmoe_exports_test(<library> <parts of symbols.txt>)
function(deepmoe_exports_test library parts)
  add_test(NAME "capi/lib${library} exports the listed symbols"
    COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DLIBRARY=$<TARGET_FILE:${library}> "-DPARTS=${parts}" -DCAPI=${_capi}
            -P ${_here}/exported_symbols.cmake)
endfunction()
if(NOT APPLE AND NOT DEEPMOE_SANITIZE)
  deepmoe_exports_test(deepmoe_runtime runtime)
  add_test(NAME "capi/libdeepmoe_runtime is small and needs no LibTorch"
    COMMAND ${CMAKE_COMMAND} -DREADELF=${CMAKE_READELF} -DSTRIP=${CMAKE_STRIP} -DLIBRARY=$<TARGET_FILE:deepmoe_runtime>
            -DCOPY=${CMAKE_CURRENT_BINARY_DIR}/stripped_runtime.so -P ${_here}/needed_libraries.cmake)
endif()

# Since which version a function is there, and that what was released stays as it was.
# deepmoe_python_capi_test(<name> <script> <arguments...>)
function(deepmoe_python_capi_test name script)
  add_test(NAME "capi/${name}" COMMAND sh ${PROJECT_SOURCE_DIR}/tests/run_python.sh python3 sys -B ${script} ${ARGN})
  set_tests_properties("capi/${name}" PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED: " TIMEOUT 300)
endfunction()
deepmoe_python_capi_test("every function says since when it is there" ${_here}/since_test.py ${_capi} ${PROJECT_VERSION})
# The dumps are those of 64-bit ELF.
if(NOT APPLE AND NOT DEEPMOE_SANITIZE AND CMAKE_SIZEOF_VOID_P EQUAL 8)
  set(_built_libraries $<TARGET_FILE:deepmoe_runtime>)
  if(TARGET deepmoe)
    list(APPEND _built_libraries $<TARGET_FILE:deepmoe>)
  endif()
  deepmoe_python_capi_test("headers and libraries keep the interface that was dumped" ${_capi}/abi/abi.py compare
                           ${_built_libraries} --compiler ${CMAKE_C_COMPILER})
  deepmoe_python_capi_test("what changes the binary interface is found" ${_here}/abi_test.py ${_capi}/abi/abi.py
                           ${CMAKE_C_COMPILER} ${CMAKE_CURRENT_BINARY_DIR}/abi)
endif()

# Cases in doctest: those of the runtime are run with either library.
# deepmoe_library_tests(<name> <library> <sources...>)
function(deepmoe_library_tests name library)
  list(TRANSFORM ARGN PREPEND ${_here}/)
  add_executable(${name}_tests ${ARGN})
  target_compile_definitions(${name}_tests PRIVATE DEEPMOE_PROJECT_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${name}_tests PRIVATE ${library} deepmoe_test_main doctest::doctest deepmoe_warnings
                                              nlohmann_json::nlohmann_json Threads::Threads)
  add_dependencies(${name}_tests plugin_files)
  doctest_discover_tests(${name}_tests TEST_PREFIX "${name}/"
    PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED: " ENVIRONMENT ${_environment} TIMEOUT 600)
endfunction()
set_source_files_properties(${_here}/plugin_test.cpp ${_here}/runtime_arguments_test.cpp PROPERTIES
  COMPILE_DEFINITIONS "DEEPMOE_PLUGIN_FOLDER=\"${CMAKE_BINARY_DIR}/lib/plugins\"")
set(_runtime_cases architecture_test.cpp engine_test.cpp options_test.cpp plugin_test.cpp runtime_arguments_test.cpp status_test.cpp
                   tensors_test.cpp wrapper_test.cpp)
deepmoe_library_tests(capi_runtime deepmoe_runtime ${_runtime_cases})
target_compile_definitions(capi_runtime_tests PRIVATE DEEPMOE_RUNTIME_ONLY)

if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/install/CMakeLists.txt)
  add_subdirectory(install)
endif()

# What follows needs the library that trains.
if(NOT TARGET deepmoe)
  return()
endif()
if(NOT APPLE AND NOT DEEPMOE_SANITIZE)
  deepmoe_exports_test(deepmoe "runtime,training")
endif()
deepmoe_library_tests(capi deepmoe ${_runtime_cases} compaction_test.cpp convert_test.cpp dataset_test.cpp diagnose_test.cpp loader_test.cpp
                      engine_model_test.cpp export_test.cpp fetch_test.cpp log_test.cpp model_test.cpp
                      report_test.cpp trainer_state_test.cpp trainer_test.cpp training_arguments_test.cpp wrapper_training_test.cpp)

# They pack archives and serve them.
target_link_libraries(capi_tests PRIVATE LibArchive::LibArchive OpenSSL::Crypto)

# A program in C.
add_executable(capi_c_program ${_here}/c_program.c)
set_target_properties(capi_c_program PROPERTIES C_STANDARD 99)
target_compile_options(capi_c_program PRIVATE -Wall -Wextra -Wstrict-prototypes -pedantic -Werror)
target_link_libraries(capi_c_program PRIVATE deepmoe)
add_test(NAME "capi/a C program trains and evaluates" COMMAND capi_c_program)
set_tests_properties("capi/a C program trains and evaluates" PROPERTIES ENVIRONMENT ${_environment} TIMEOUT 600)

# The samples.
if(TARGET sample_train)
  add_test(NAME "samples/train" COMMAND sample_train)
  set_tests_properties("samples/train" PROPERTIES ENVIRONMENT ${_environment} TIMEOUT 600
                       PASS_REGULAR_EXPRESSION "step 80: loss.*3[0-2] of 32 new images recognised")
endif()
if(TARGET sample_resume)
  add_test(NAME "samples/resume"
    COMMAND ${CMAKE_COMMAND} -DRESUME=$<TARGET_FILE:sample_resume> -DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/sample_resume
            -P ${_here}/sample_resume.cmake)
  set_tests_properties("samples/resume" PROPERTIES ENVIRONMENT ${_environment} TIMEOUT 600)
endif()
if(TARGET sample_fit_folder AND TARGET sample_predict AND TARGET sample_classify)
  add_executable(capi_image_folder ${_here}/image_folder.cpp)
  target_link_libraries(capi_image_folder PRIVATE PNG::PNG)
  add_executable(capi_jpeg_file ${_here}/jpeg_file.cpp)
  target_link_libraries(capi_jpeg_file PRIVATE JPEG::JPEG)
  add_test(NAME "samples/fit_folder and predict and utilisation report and classify"
    COMMAND ${CMAKE_COMMAND} -DFIT=$<TARGET_FILE:sample_fit_folder> -DPREDICT=$<TARGET_FILE:sample_predict>
            -DCLASSIFY=$<TARGET_FILE:sample_classify> -DUTILISATION=$<TARGET_FILE:sample_utilisation>
            -DIMAGES=$<TARGET_FILE:capi_image_folder> -DJPEG=$<TARGET_FILE:capi_jpeg_file>
            -DREADELF=${CMAKE_READELF} -DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/sample_runs
            -P ${_here}/sample_runs.cmake)
  set_tests_properties("samples/fit_folder and predict and utilisation report and classify" PROPERTIES ENVIRONMENT ${_environment} TIMEOUT 600)
endif()
