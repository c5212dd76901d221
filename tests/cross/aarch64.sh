#!/bin/sh
# Compiles the engine and its tests for 64-bit ARM and runs them in QEMU. usage: aarch64.sh SOURCE_FOLDER BUILD_FOLDER
set -eu
source=$1
build=$2

for tool in aarch64-linux-gnu-g++ qemu-aarch64; do
  command -v $tool >/dev/null 2>&1 || {
    echo "SKIPPED: $tool is not here (Debian: g++-aarch64-linux-gnu qemu-user libhwy-dev:arm64 libtbb-dev:arm64)"
    exit 0
  }
done
for library in hwy tbb; do
  [ -e /usr/lib/aarch64-linux-gnu/lib$library.so ] || {
    echo "SKIPPED: lib$library for arm64 is not here (Debian: dpkg --add-architecture arm64, then lib$library-dev:arm64)"
    exit 0
  }
done

cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DDEEPMOE_BUILD_TRAINING=OFF \
  -DCMAKE_TOOLCHAIN_FILE="$source/cmake/toolchains/aarch64-linux-gnu.cmake" >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
cmake --build "$build" --target engine_tests >"$build.log" 2>&1 || { tail -50 "$build.log"; exit 1; }
# oneTBB's threads don't find each other in QEMU, in the smallest program either.
qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu "$build/bin/engine_tests" \
  --test-case-exclude='*two threads*'
