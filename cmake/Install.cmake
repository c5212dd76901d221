# Install rules. Two components: `runtime` (shared libraries, the command) and `development` (headers, CMake package,
# pkg-config files). What is installed depends on nothing but the C headers: no target or package of another project.

include(CMakePackageConfigHelpers)

set(_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/deepmoe)
set(_pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  message(FATAL_ERROR "CMAKE_INSTALL_LIBDIR and CMAKE_INSTALL_INCLUDEDIR must be relative to the prefix, so that an "
                      "installed tree can be moved; they are '${CMAKE_INSTALL_LIBDIR}' and '${CMAKE_INSTALL_INCLUDEDIR}'")
endif()

# deepmoe_install_library(<target> <pkg-config name> <description> <compiler flags> <headers...>)
function(deepmoe_install_library target package description flags)
  if(NOT TARGET ${target})
    return()
  endif()
  install(TARGETS ${target}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development)
  install(FILES ${ARGN} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)

  set(DEEPMOE_PC_NAME ${package})
  set(DEEPMOE_PC_DESCRIPTION ${description})
  set(DEEPMOE_PC_FLAGS ${flags})
  set(DEEPMOE_PC_LIBRARY ${target})
  file(RELATIVE_PATH DEEPMOE_PC_PREFIX /${_pkgconfig_dir} /)
  string(REGEX REPLACE "/$" "" DEEPMOE_PC_PREFIX ${DEEPMOE_PC_PREFIX})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/deepmoe.pc.in ${PROJECT_BINARY_DIR}/${package}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${package}.pc DESTINATION ${_pkgconfig_dir} COMPONENT development)
endfunction()

set(_capi ${PROJECT_SOURCE_DIR}/capi)
deepmoe_install_library(deepmoe_runtime deepmoe-runtime "DeepMoE networks without LibTorch: options, architectures, files"
                        " -DDEEPMOE_RUNTIME_ONLY" ${_capi}/deepmoe_runtime.h)
deepmoe_install_library(deepmoe deepmoe "DeepMoE networks: train, evaluate and save"
                        "" ${_capi}/deepmoe.h)
if(TARGET deepmoe_runtime)
  install(FILES ${PROJECT_SOURCE_DIR}/include/deepmoe.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          COMPONENT development)
endif()

if(TARGET deepmoe_command)
  file(RELATIVE_PATH _libraries_from_command /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
  if(APPLE)
    set(_origin @loader_path)
  else()
    set(_origin $ORIGIN)
  endif()
  set_target_properties(deepmoe_command PROPERTIES INSTALL_RPATH ${_origin}/${_libraries_from_command})
  install(TARGETS deepmoe_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
endif()

if(TARGET deepmoe_runtime)
  configure_package_config_file(
    ${PROJECT_SOURCE_DIR}/cmake/deepmoeConfig.cmake.in ${PROJECT_BINARY_DIR}/deepmoeConfig.cmake
    INSTALL_DESTINATION ${_cmake_dir} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
  # Before 1.0 a new minor version may break what an older one allowed.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/deepmoeConfigVersion.cmake
                                   COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/deepmoeConfig.cmake ${PROJECT_BINARY_DIR}/deepmoeConfigVersion.cmake
          DESTINATION ${_cmake_dir} COMPONENT development)
endif()
