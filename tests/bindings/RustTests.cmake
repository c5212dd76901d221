# The crates of bindings/rust, built and tested by cargo in the build tree.

# deepmoe_rust_test(<name> <library> <cargo's arguments...>)
function(deepmoe_rust_test name library)
  add_test(NAME ${name} COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/run_cargo.sh ${_bindings}/rust ${ARGN})
  set_tests_properties(${name} PROPERTIES TIMEOUT 900 SKIP_REGULAR_EXPRESSION "SKIPPED: " RESOURCE_LOCK cargo
    ENVIRONMENT "OMP_NUM_THREADS=1;DEEPMOE_LIBRARY=$<TARGET_FILE:${library}>;CARGO_TARGET_DIR=${CMAKE_CURRENT_BINARY_DIR}/cargo/${library}")
endfunction()
deepmoe_rust_test("bindings/Rust" deepmoe test --features ndarray)
deepmoe_rust_test("bindings/Rust with the runtime library alone" deepmoe_runtime
                  test --no-default-features --features runtime)
deepmoe_rust_test("bindings/Rust without a warning of clippy" deepmoe
                  clippy --all-targets --features ndarray -- -D warnings)

# That a plugin needs no C++.
if(TARGET deepmoe_command AND NOT APPLE)
  add_test(NAME "plugin/the sample in Rust is trained on"
    COMMAND sh ${PROJECT_SOURCE_DIR}/tests/plugin/rust_sample.sh ${PROJECT_SOURCE_DIR}
            $<TARGET_FILE:deepmoe_command> ${CMAKE_CURRENT_BINARY_DIR}/rust_plugin)
  set_tests_properties("plugin/the sample in Rust is trained on" PROPERTIES TIMEOUT 600 RESOURCE_LOCK cargo
    SKIP_REGULAR_EXPRESSION "SKIPPED: " ENVIRONMENT OMP_NUM_THREADS=1 PASS_REGULAR_EXPRESSION "trained 1 epoch")
endif()
