# Installs to a prefix with a space in its name, builds a C program through pkg-config and a C++ program through
# find_package, runs both, moves the prefix and does it again. CMakeLists.txt beside this file sets the variables.

cmake_minimum_required(VERSION 3.22)
include(${CMAKE_CURRENT_LIST_DIR}/use_installation.cmake)

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
set(prefix "${WORK}/first prefix")
set(moved "${WORK}/moved/other prefix")

run("cmake --install" out ${CMAKE_COMMAND} --install ${BUILD} --config ${CONFIG} --prefix "${prefix}")
expect_no_folder_of_here("${prefix}")
use_installation("${prefix}")

file(MAKE_DIRECTORY ${WORK}/moved)
file(RENAME "${prefix}" "${moved}")
use_installation("${moved}")

run("cmake --install --component runtime" out
    ${CMAKE_COMMAND} --install ${BUILD} --config ${CONFIG} --component runtime --prefix ${WORK}/runtime)
file(GLOB_RECURSE development ${WORK}/runtime/*.h ${WORK}/runtime/*.hpp ${WORK}/runtime/*.pc ${WORK}/runtime/*.cmake)
expect("Development files of the component 'runtime'" "${development}" "")
file(GLOB_RECURSE files RELATIVE ${WORK}/runtime ${WORK}/runtime/*)
list(FILTER files EXCLUDE REGEX "/libdeepmoe_runtime[.0-9a-z]*$")
expect("What the component 'runtime' has beside libdeepmoe_runtime" "${files}" "")
file(GLOB libraries ${WORK}/runtime/${LIBDIR}/libdeepmoe_runtime*)
if(NOT libraries)
  message(FATAL_ERROR "The component 'runtime' has no library in ${LIBDIR}")
endif()

file(REMOVE_RECURSE ${WORK})
if(NOT PKG_CONFIG)
  message("SKIPPED: the C program, because there is no pkg-config; the rest passed")
endif()
