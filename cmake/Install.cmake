# Install rules. Components: `runtime` (libdeepmoe_runtime), `training` (libdeepmoe, the command), `development` (headers,
# CMake package, pkg-config files), `libtorch` (a link to the LibTorch of this machine, which packages leave out). What is
# installed depends on nothing but the C headers: no target or package of another project.

include(CMakePackageConfigHelpers)

set(_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/deepmoe)
set(_pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  message(FATAL_ERROR "CMAKE_INSTALL_LIBDIR and CMAKE_INSTALL_INCLUDEDIR must be relative to the prefix, so that an "
                      "installed tree can be moved; they are '${CMAKE_INSTALL_LIBDIR}' and '${CMAKE_INSTALL_INCLUDEDIR}'")
endif()

# deepmoe_install_library(<target> <component> <pkg-config name> <description> <compiler flags> <headers...>)
function(deepmoe_install_library target component package description flags)
  if(NOT TARGET ${target})
    return()
  endif()
  install(TARGETS ${target}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component} NAMELINK_COMPONENT development)
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
deepmoe_install_library(deepmoe_runtime runtime deepmoe-runtime
                        "DeepMoE networks without LibTorch: options, architectures, files, engines"
                        " -DDEEPMOE_RUNTIME_ONLY" ${_capi}/deepmoe_runtime.h ${_capi}/deepmoe_plugin.h)
deepmoe_install_library(deepmoe training deepmoe "DeepMoE networks: train, evaluate and save"
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
  install(TARGETS deepmoe_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT training)
endif()

# Libraries find LibTorch through their own path, so that nothing that is installed holds a folder of this machine but one
# link, which can be made anew where LibTorch is elsewhere.
if(TARGET deepmoe)
  set(_libtorch_folder ${CMAKE_INSTALL_LIBDIR}/deepmoe)
  set_target_properties(deepmoe PROPERTIES INSTALL_RPATH "$ORIGIN;$ORIGIN/deepmoe/libtorch")
  if(TARGET deepmoe_cuda)
    set_target_properties(deepmoe_cuda PROPERTIES INSTALL_RPATH "$ORIGIN;$ORIGIN/deepmoe/libtorch")
    install(TARGETS deepmoe_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT training NAMELINK_SKIP)
  endif()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/libtorch_readme.in ${PROJECT_BINARY_DIR}/libtorch_readme @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/libtorch_readme DESTINATION ${_libtorch_folder} RENAME README COMPONENT training)
  install(CODE "set(libtorch \"${LibTorch_LIBRARY_DIR}\")
set(link \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${_libtorch_folder}/libtorch\")
if(NOT EXISTS \"\${link}\" OR IS_SYMLINK \"\${link}\")
  get_filename_component(folder \"\${link}\" DIRECTORY)
  file(MAKE_DIRECTORY \"\${folder}\")
  file(CREATE_LINK \"\${libtorch}\" \"\${link}\" SYMBOLIC)
  message(STATUS \"Linked: \${link}\")
endif()" COMPONENT libtorch)
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
