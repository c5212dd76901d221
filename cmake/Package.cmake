# What `cpack -G DEB` and `cpack -G TGZ` make in a build folder.
#
#   libdeepmoe-runtime0   libdeepmoe_runtime alone: what a program that serves a network depends on
#   libdeepmoe-dev        everything else: headers, pkg-config files, CMake package, libdeepmoe, the command
#   libdeepmoe-0.1.0-Linux-x86_64.tar.gz   both, which run where they are unpacked
#
# LibTorch is in neither, as Debian's is too old and PyTorch's has more than a gigabyte: lib/deepmoe/README, which is
# installed beside the place where it is looked for, says how it gets there.

if(NOT TARGET deepmoe_runtime)
  return()
endif()

# The name of a package with a shared library has its soname's number. Each has its licence in a place of
# its own.
get_target_property(_soversion deepmoe_runtime SOVERSION)
set(_runtime_package libdeepmoe-runtime${_soversion})
foreach(_package ${_runtime_package} libdeepmoe-dev)
  set(_component debian_development)
  if(_package STREQUAL _runtime_package)
    set(_component debian_runtime)
  endif()
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${_package} RENAME copyright
          COMPONENT ${_component} EXCLUDE_FROM_ALL)
endforeach()

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION . COMPONENT archive EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_NAME libdeepmoe)
set(CPACK_PACKAGE_FILE_NAME libdeepmoe-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_PACKAGE_VENDOR "The libdeepmoe authors")
set(CPACK_PACKAGE_CONTACT "The libdeepmoe authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES TRUE)
set(CPACK_VERBATIM_VARIABLES TRUE)
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/cmake/package_kinds.cmake)
set(CPACK_COMPONENTS_ALL runtime training development archive debian_runtime debian_development)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib ${LibTorch_LIBRARY_DIR})
if(TARGET deepmoe_cuda)
  get_filename_component(_cuda_folder ${LibTorchCuda_RUNTIME_LIBRARY} DIRECTORY)
  list(APPEND CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${_cuda_folder})
endif()
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_SERVING_PACKAGE_NAME ${_runtime_package})
set(CPACK_DEBIAN_SERVING_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_SERVING_DESCRIPTION "The library that serves trained networks: an engine that computes no
inactive channel (expert) of a network whose gates depend on the image,
behind a C interface. It runs on the processor and needs neither LibTorch
nor Python.")
set(CPACK_DEBIAN_DEVELOPING_PACKAGE_NAME libdeepmoe-dev)
set(CPACK_DEBIAN_DEVELOPING_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPING_PACKAGE_DEPENDS "${_runtime_package} (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DEVELOPING_PACKAGE_SUGGESTS "pkg-config, python3-venv")
set(CPACK_DEBIAN_DEVELOPING_DESCRIPTION "C headers, a C++ wrapper, pkg-config files and the CMake package for
libdeepmoe_runtime, which serves trained networks.")
if(TARGET deepmoe)
  string(APPEND CPACK_DEBIAN_DEVELOPING_DESCRIPTION "
.
With libdeepmoe, which trains networks, too, and the command deepmoe. These
two need LibTorch ${LibTorch_VERSION}, which is not packaged for Debian:
/usr/${CMAKE_INSTALL_LIBDIR}/deepmoe/README says how to install it and where
to put a link to it.")
endif()

include(CPack)
cpack_add_component_group(serving)
cpack_add_component_group(developing)
cpack_add_component(runtime GROUP serving)
cpack_add_component(debian_runtime GROUP serving)
cpack_add_component(training GROUP developing)
cpack_add_component(development GROUP developing)
cpack_add_component(debian_development GROUP developing)
