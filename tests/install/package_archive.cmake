# cpack -G TGZ: the archive has one folder, and what is in it runs where it is unpacked.

cmake_minimum_required(VERSION 3.22)
include(${CMAKE_CURRENT_LIST_DIR}/use_package.cmake)

make_packages(TGZ)
file(GLOB archives ${WORK}/packages/*.tar.gz)
if(NOT archives MATCHES "^[^;]*/libdeepmoe-${VERSION}-[^;/]*\\.tar\\.gz$")
  message(FATAL_ERROR "cpack -G TGZ made '${archives}'")
endif()
set(folder "${WORK}/unpacked here")
file(ARCHIVE_EXTRACT INPUT ${archives} DESTINATION "${folder}")
file(GLOB roots "${folder}/*")
get_filename_component(name ${archives} NAME)
string(REGEX REPLACE "\\.tar\\.gz$" "" name ${name})
expect("What the archive has at its top" "${roots}" "${folder}/${name}")
if(EXISTS "${roots}/${LIBDIR}/deepmoe/libtorch")
  message(FATAL_ERROR "The archive has a link to the LibTorch of this machine")
endif()

use_package("${roots}")
file(RENAME "${roots}" "${folder}/another name")
use_installation("${folder}/another name")
end_test()
