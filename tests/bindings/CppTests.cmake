# include/deepmoe.hpp and samples/cpp, as a host uses them.

add_executable(bindings_cpp_tests cpp/cases_test.cpp cpp/memory_test.cpp cpp/samples_test.cpp)
target_compile_definitions(bindings_cpp_tests PRIVATE DEEPMOE_SAMPLES="$<TARGET_FILE_DIR:sample_cpp_train>")
target_link_libraries(bindings_cpp_tests PRIVATE deepmoe deepmoe_test_main doctest::doctest deepmoe_warnings
                                                 nlohmann_json::nlohmann_json Threads::Threads)
if(NOT APPLE)
  # What the program defines stands before the library.
  target_sources(bindings_cpp_tests PRIVATE record_addresses.c)
  target_link_libraries(bindings_cpp_tests PRIVATE ${CMAKE_DL_LIBS})
endif()
add_dependencies(bindings_cpp_tests sample_cpp_train sample_cpp_classify)
doctest_discover_tests(bindings_cpp_tests TEST_PREFIX "bindings/C++/" PROPERTIES TIMEOUT 600 ENVIRONMENT OMP_NUM_THREADS=1)
