# The package of bindings/julia: its own tests where there is Julia, and everywhere its declarations and calls against the
# headers.

set(_julia_test ${CMAKE_CURRENT_LIST_DIR}/julia_test.py ${PROJECT_SOURCE_DIR})
add_test(NAME "bindings/Julia declares and calls what the headers say" COMMAND ${_run_python} sys -B ${_julia_test})
add_test(NAME "bindings/Julia has no error of syntax"
  COMMAND sh ${PROJECT_SOURCE_DIR}/tests/run_python.sh python3 tree_sitter,tree_sitter_julia -B ${_julia_test} syntax)
add_test(NAME "bindings/Julia" COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/run_julia.sh ${_bindings}/julia ${CMAKE_CURRENT_BINARY_DIR}/julia)
set_tests_properties("bindings/Julia" "bindings/Julia has no error of syntax"
                     "bindings/Julia declares and calls what the headers say" PROPERTIES
  TIMEOUT 900 SKIP_REGULAR_EXPRESSION "SKIPPED: "
  ENVIRONMENT "OMP_NUM_THREADS=1;DEEPMOE_LIBRARY=$<TARGET_FILE:deepmoe>")
