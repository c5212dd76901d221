# The package of bindings/go. cgo asks pkg-config, which is told of the libraries in the build tree; so can the bindings of
# other languages be: PKG_CONFIG_PATH=build/release/pkgconfig cargo test

set(_pkgconfig ${PROJECT_BINARY_DIR}/pkgconfig)
foreach(library deepmoe deepmoe_runtime)
  string(REPLACE _ - package ${library})
  file(GENERATE OUTPUT ${_pkgconfig}/${package}.pc CONTENT
"libdir=$<TARGET_FILE_DIR:${library}>

Name: ${package}
Description: of the build tree
Version: ${PROJECT_VERSION}
Cflags: \"-I${PROJECT_SOURCE_DIR}/capi\"
Libs: \"-L$<TARGET_FILE_DIR:${library}>\" -l${library} \"-Wl,-rpath,$<TARGET_FILE_DIR:${library}>\"
")
endforeach()

# deepmoe_go_test(<name> <go's arguments...>)
function(deepmoe_go_test name)
  add_test(NAME ${name} COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/run_go.sh ${_bindings}/go ${ARGN})
  set_tests_properties(${name} PROPERTIES TIMEOUT 900 SKIP_REGULAR_EXPRESSION "SKIPPED: " RESOURCE_LOCK go
    ENVIRONMENT "OMP_NUM_THREADS=1;GOTOOLCHAIN=local;PKG_CONFIG_PATH=${_pkgconfig}")
endfunction()
deepmoe_go_test("bindings/Go" test -race -count=1 ./...)
deepmoe_go_test("bindings/Go with the runtime library alone" test -count=1 -tags deepmoe_runtime .)
deepmoe_go_test("bindings/Go without a warning of vet" vet ./...)
