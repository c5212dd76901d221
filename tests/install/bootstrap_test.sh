#!/bin/sh
# cmake/bootstrap.sh with made-up package tools and a made-up project, so that nothing of this machine is changed.
# Arguments: the script's folder, a folder to use.
set -u

scripts=$1
work=$2
failures=0
rm -rf "$work"
mkdir -p "$work/tools" "$work/repository/cmake" "$work/libtorch/lib" "$work/cache" "$work/home"
cp "$scripts/bootstrap.sh" "$scripts/LibTorchSearch.cmake" "$work/repository/cmake/"

if ! grep -qs -e '^ID=debian' -e '^ID=ubuntu' /etc/os-release; then
  echo "SKIPPED: packages are installed on Debian and Ubuntu only"
  exit 0
fi

# A LibTorch and a project that are just enough.
api=$work/libtorch/include/torch/csrc/api/include/torch
mkdir -p "$api"
printf '#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 14\n#define TORCH_VERSION_PATCH 1\n' >"$api/version.h"
touch "$work/libtorch/lib/libtorch_cpu.so" "$work/libtorch/lib/libc10.so"
cat >"$work/repository/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(made_up LANGUAGES NONE)
file(APPEND ${PROJECT_SOURCE_DIR}/configured "${LIBTORCH}\n")
END
cat >"$work/repository/CMakePresets.json" <<'END'
{"version": 3, "configurePresets": [
  {"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/release"}]}
END

# Tools that note how they were called. $work/installed lists the packages, one a line.
tool() { cat >"$work/tools/$1" && chmod +x "$work/tools/$1"; }
tool dpkg-query <<END
#!/bin/sh
echo "dpkg-query" >>"$work/calls"
sed 's/^/installed /' "$work/installed"
END
tool apt-get <<END
#!/bin/sh
echo "apt-get \$*" >>"$work/calls"
case "\$*" in *install*) [ ! -e "$work/broken" ] || { echo "E: no such package" >&2; exit 100; } ;; esac
END
tool sudo <<END
#!/bin/sh
echo "sudo" >>"$work/calls"
"\$@"
END
tool id <<END
#!/bin/sh
cat "$work/user"
END

all="nlohmann-json3-dev libcli11-dev doctest-dev libtbb-dev libhwy-dev libjpeg62-turbo-dev libjpeg-turbo8-dev libpng-dev libdlpack-dev libprotozero-dev libcurl4-openssl-dev libarchive-dev libssl-dev libgloo-dev libeigen3-dev"
installed() { printf '%s\n' "$@" >"$work/installed"; }

# bootstrap <arguments...>: sets $status and $output, and starts a new list of calls.
bootstrap() {
  : >"$work/calls"
  status=0
  output=$(PATH="$work/tools:$PATH" HOME="$work/home" XDG_CACHE_HOME="$work/cache" \
    LIBTORCH="${libtorch:-$work/libtorch}" BOOTSTRAP_CUDA=0 sh "$work/repository/cmake/bootstrap.sh" "$@" 2>&1) || status=$?
}

# expect <what> <condition...>
expect() {
  what=$1
  shift
  if ! "$@"; then
    printf 'FAILED: %s\n  status %s, calls: %s\n%s\n' "$what" "$status" "$(tr '\n' ';' <"$work/calls")" "$output" >&2
    failures=$((failures + 1))
  fi
}
says() { printf '%s' "$output" | grep -q -e "$1"; }
called() { grep -q -e "$1" "$work/calls"; }
not() { ! "$@"; }

echo 1000 >"$work/user"
# shellcheck disable=SC2086
installed $all
bootstrap
expect "a complete system needs no root" test "$status" = 0
expect "packages are asked for in one call" test "$(cat "$work/calls")" = dpkg-query
expect "it is configured" test "$(wc -l <"$work/repository/configured")" = 1
bootstrap
expect "a second call does nothing again" test "$(wc -l <"$work/repository/configured")" = 1
cp -r "$work/libtorch" "$work/libtorch2"
libtorch=$work/libtorch2
bootstrap
expect "another LibTorch is configured" test "$(tail -n 1 "$work/repository/configured")" = "$work/libtorch2"

installed libcli11-dev doctest-dev libtbb-dev libhwy-dev libjpeg62-turbo-dev libjpeg-turbo8-dev libdlpack-dev libprotozero-dev \
  libcurl4-openssl-dev libarchive-dev libssl-dev libgloo-dev libeigen3-dev
bootstrap
expect "sudo is explained" says "Installing them needs root"
expect "sudo is used" called sudo
expect "the lists are renewed first" called "apt-get .* update"
expect "only what is missing is installed" called "install -y --no-install-recommends nlohmann-json3-dev libpng-dev$"

touch "$work/broken"
bootstrap
expect "a failed installation stops" test "$status" = 1
expect "its messages are shown" says "E: no such package"
expect "with the remedy" says "dpkg --configure -a"
rm "$work/broken"

echo 0 >"$work/user"
bootstrap
expect "root needs no sudo" not called sudo
expect "root installs" called "apt-get .* install"

# A LibTorch that this script has installed, without all headers of CUDA, and a pip that installs them.
environment=$work/cache/libdeepmoe/libtorch-2.14.1
site=$environment/lib/python3.11/site-packages
mkdir -p "$environment/bin" "$site/nvidia/cu13/include" "$site/torch-2.14.1.dist-info"
cp -r "$work/libtorch" "$site/torch"
touch "$site/torch/lib/libtorch_cuda.so"
echo "Requires-Dist: nvidia-nccl-cu13==2.30.7; platform_system == \"Linux\"" >"$site/torch-2.14.1.dist-info/METADATA"
cat >"$environment/bin/python" <<END
#!/bin/sh
echo "python \$*" >>"$work/calls"
[ ! -e "$work/broken" ] || { echo "ERROR: no connection" >&2; exit 1; }
while [ "\$1" != --target ]; do shift; done
mkdir -p "\$2/nvidia/cu13/include/crt" "\$2/nvidia/cu13/include/nv" "\$2/nvidia/nccl/include" "\$2/nvidia/nccl/lib"
touch "\$2/nvidia/nccl/include/nccl.h" "\$2/nvidia/nccl/lib/libnccl.so.2"
END
chmod +x "$environment/bin/python"
# shellcheck disable=SC2086
installed $all
libtorch=$site/torch
touch "$work/broken"
bootstrap
expect "headers that cannot be installed stop nothing" test "$status" = 0
expect "and it is said what will be missing" says "no CUDA graphs and no NCCL"
rm "$work/broken"
bootstrap
expect "headers of CUDA are installed" test -d "$site/nvidia/cu13/include/crt"
expect "NCCL's are those of LibTorch's version" called "nvidia-nccl-cu13==2.30.7$"
expect "without the library" test ! -e "$site/nvidia/nccl/lib"
expect "it is configured again" test "$(tail -n 1 "$work/repository/configured")" = "$site/torch"
count=$(wc -l <"$work/repository/configured")
bootstrap
expect "a complete LibTorch is left alone" not called python
expect "and is not configured again" test "$(wc -l <"$work/repository/configured")" = "$count"

# shellcheck disable=SC2086
installed $all
libtorch=/nowhere
bootstrap
expect "a wrong LIBTORCH stops" test "$status" = 1
expect "and is named" says "LIBTORCH=/nowhere cannot be used"
bootstrap nonsense
expect "an unknown command stops" test "$status" = 1
expect "and is named" says "'nonsense' is not known"
bootstrap --help
expect "help succeeds" test "$status" = 0
expect "help names the commands" says "demo"

[ "$failures" = 0 ] || exit 1
rm -rf "$work"
