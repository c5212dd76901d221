# Functions that use an installed tree as an outside program would: through pkg-config and through find_package.
# CMakeLists.txt beside this file sets the variables. PACKAGES lists <library>:<pkg-config name>:<CMake component>.

set(here ${CMAKE_CURRENT_LIST_DIR})
set(ENV{DESTDIR} "")
# The libraries must be found through what is installed alone.
set(ENV{LD_LIBRARY_PATH} "")
set(ENV{PKG_CONFIG_SYSROOT_DIR} "")

# run(<what> <output variable> <command...>): the command must succeed.
function(run what output)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE out ERROR_VARIABLE err RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${what} failed (${result}): ${ARGN}\n${out}${err}")
  endif()
  string(STRIP "${out}" out)
  set(${output} "${out}" PARENT_SCOPE)
endfunction()

function(expect condition_text actual expected)
  if(NOT "${actual}" STREQUAL "${expected}")
    message(FATAL_ERROR "${condition_text}: expected '${expected}', got '${actual}'")
  endif()
endfunction()

function(build_c_program prefix package library)
  set(ENV{PKG_CONFIG_PATH} "${prefix}/${LIBDIR}/pkgconfig")
  run("pkg-config --modversion" version ${PKG_CONFIG} --modversion ${package})
  expect("version of ${package}.pc" "${version}" "${VERSION}")
  run("pkg-config" flags ${PKG_CONFIG} --cflags --libs ${package})
  separate_arguments(flags UNIX_COMMAND "${flags}")
  set(source ${here}/c/${library}_program.c)
  set(program ${WORK}/${package}_c)
  run("Compiling C against ${package}.pc" out
      ${C_COMPILER} -std=c99 -Wall -Wextra -pedantic -Werror ${SANITIZE} ${source} ${flags} -o ${program})
  run("Running C against ${package}.pc" version ${program})
  expect("dmoe_version() in C" "${version}" "${VERSION}")
endfunction()

function(build_cpp_program prefix)
  file(REMOVE_RECURSE ${WORK}/cpp)
  set(components "")
  foreach(package IN LISTS PACKAGES)
    string(REGEX REPLACE ".*:" "" component ${package})
    list(APPEND components ${component})
  endforeach()
  # Commas: a list would fall apart on its way to the command.
  string(REPLACE ";" "," component_list "${components}")
  run("Configuring C++ with find_package" out
      ${CMAKE_COMMAND} -S ${here}/cpp -B ${WORK}/cpp -G ${GENERATOR} -DCMAKE_BUILD_TYPE=Release
      "-DCMAKE_PREFIX_PATH=${prefix}" -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DCMAKE_CXX_FLAGS=${SANITIZE}
      -DCOMPONENTS=${component_list} -DEXPECTED_VERSION=${VERSION})
  run("Building C++ with find_package" out ${CMAKE_COMMAND} --build ${WORK}/cpp --config Release)
  foreach(component IN LISTS components)
    run("Running C++ with find_package" version ${WORK}/cpp/${component}_program)
    expect("dmoe_version() in C++" "${version}" "${VERSION}")
  endforeach()
endfunction()

# A plugin needs one header of what is installed.
function(use_plugin prefix)
  set(plugin "${WORK}/a plugin.so")
  run("Compiling a plugin" out ${C_COMPILER} -std=c99 -Wall -Wextra -pedantic -Werror -shared -fPIC
      "-I${prefix}/${INCLUDEDIR}" ${here}/../../samples/plugins/dataset.c -o "${plugin}")
  run("deepmoe plugins" offers "${prefix}/${DEEPMOE_COMMAND}" plugins "${plugin}")
  if(NOT offers MATCHES "--dataset sample:stripes")
    message(FATAL_ERROR "deepmoe plugins does not say what the plugin offers but '${offers}'")
  endif()
  run("deepmoe train --plugin" summary "${prefix}/${DEEPMOE_COMMAND}" train --plugin "${plugin}" --dataset sample:stripes
      --width 0.125 --epochs 1 --threads 1 --num_workers 1 --out "${WORK}/a run" --overwrite)
  if(NOT summary MATCHES "trained 1 epoch")
    message(FATAL_ERROR "deepmoe train does not say that it trained but '${summary}'")
  endif()
endfunction()

# Nothing that is installed may name the folders of the build.
function(expect_no_folder_of_here prefix)
  file(GLOB_RECURSE texts "${prefix}/*.pc" "${prefix}/*.cmake" "${prefix}/*.h" "${prefix}/*.hpp")
  foreach(text IN LISTS texts)
    file(READ "${text}" content)
    foreach(folder ${WORK} ${BUILD})
      string(FIND "${content}" "${folder}" position)
      expect("Position of ${folder} in the installed ${text}" ${position} -1)
    endforeach()
  endforeach()
endfunction()

function(use_installation prefix)
  foreach(package IN LISTS PACKAGES)
    string(REPLACE ":" ";" package ${package})
    list(GET package 0 library)
    list(GET package 1 name)
    if(PKG_CONFIG)
      build_c_program("${prefix}" ${name} ${library})
    endif()
  endforeach()
  build_cpp_program("${prefix}")
  if(DEEPMOE_COMMAND)
    run("Running the installed command" version "${prefix}/${DEEPMOE_COMMAND}" --version)
    if(NOT version MATCHES "${VERSION}")
      message(FATAL_ERROR "deepmoe --version does not say ${VERSION} but '${version}'")
    endif()
    use_plugin("${prefix}")
  endif()
endfunction()
