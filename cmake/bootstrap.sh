#!/bin/sh
# Sets the project up, builds it, and runs the demonstration or the tests. See --help.
set -eu

libtorch_version=2.14.1
repository=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

usage() {
  cat <<'END'
Usage: sh cmake/bootstrap.sh [setup | build | demo | test] [release | debug | asan | tsan]

  setup   install the distribution's packages that are missing, find or install LibTorch, and configure (default)
  build   setup, then compile; programs land in build/<preset>/bin, libraries in build/<preset>/lib
  demo    build, then train, evaluate and save a small gated network
  test    build, then run every test

Work that is done is not done again. Root is asked for only if packages are missing.

Environment:
  LIBTORCH          use this LibTorch: a folder with include/ and lib/, such as .../site-packages/torch
  XDG_CACHE_HOME    LibTorch is installed below this folder, in libdeepmoe/ (default: ~/.cache)
  BOOTSTRAP_CUDA    0 or 1: install LibTorch without or with CUDA's libraries
                    (default: with them if an NVIDIA driver is present)
  BOOTSTRAP_JOBS    compilations at a time (default: as many as processors and memory allow)
  BOOTSTRAP_CROSS   1: also install a compiler and an emulator for 64-bit ARM, for the test of the engine there
                    (Debian on x86-64, as root; it makes arm64 one of the system's package architectures)
END
}

say() { printf '%s\n' "$*"; }

die() {
  printf 'bootstrap: %s\n' "$*" >&2
  exit 1
}

works() { "$@" >/dev/null 2>&1; }

# ---- Packages -----------------------------------------------------------------------------------------------------

# What the build needs, by the names of $system's distribution.
packages_of() {
  case $1 in
    debian) say "g++ cmake ninja-build ccache pkg-config python3 python3-venv $(debian_libraries)" ;;
    fedora) say "gcc-c++ cmake ninja-build ccache pkgconf-pkg-config python3 json-devel cli11-devel doctest-devel" \
      "tbb-devel highway-devel libjpeg-turbo-devel libpng-devel dlpack-devel protozero-devel" \
      "libcurl-devel libarchive-devel openssl-devel gloo-devel eigen3-devel" ;;
    macos) say "cmake ninja ccache pkgconf python3 nlohmann-json cli11 doctest tbb highway jpeg-turbo libpng dlpack protozero" \
      "curl libarchive openssl eigen" ;;
  esac
}

debian_libraries() {
  jpeg=libjpeg62-turbo-dev
  case $distribution in *ubuntu*) jpeg=libjpeg-turbo8-dev ;; esac
  say "nlohmann-json3-dev libcli11-dev doctest-dev libtbb-dev libhwy-dev $jpeg libpng-dev libdlpack-dev libprotozero-dev" \
    "libcurl4-openssl-dev libarchive-dev libssl-dev libgloo-dev libeigen3-dev"
}

# Sets $system (debian, fedora, macos or unknown) and $distribution (the ids in os-release).
detect_system() {
  system=unknown
  distribution=
  if [ "$(uname -s)" = Darwin ]; then
    system=macos
  elif [ -r /etc/os-release ]; then
    distribution=$(. /etc/os-release && echo "${ID:-} ${ID_LIKE:-}")
    case $distribution in
      *debian* | *ubuntu*) system=debian ;;
      *fedora* | *rhel*) system=fedora ;;
    esac
  fi
}

# Tools may come from anywhere, so they are tried; libraries are asked of dpkg, all at once.
missing_debian_packages() {
  works c++ --version && works cc --version || printf 'g++ '
  works cmake --version || printf 'cmake '
  works ninja --version || printf 'ninja-build '
  works ccache --version || printf 'ccache '
  works pkg-config --version || printf 'pkg-config '
  if ! works python3 -c 'import sys'; then
    printf 'python3 python3-venv '
  elif ! works python3 -c 'import ensurepip, venv' && ! libtorch_is_somewhere; then
    printf 'python3-venv '
  fi
  libraries=$(debian_libraries)
  # shellcheck disable=SC2086
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $libraries 2>/dev/null || true)
  for package in $libraries; do
    case "
$installed
" in
      *"
installed $package
"*) ;;
      *) printf '%s ' "$package" ;;
    esac
  done
}

# A quick look, for the question whether Python's venv will be needed at all.
libtorch_is_somewhere() {
  [ -n "${LIBTORCH:-}" ] || [ -d "$environment" ] || works python3 -c 'import importlib.util as u; u.find_spec("torch").origin'
}

install_debian_packages() {
  missing=$(missing_debian_packages)
  missing=${missing% }
  [ -n "$missing" ] || return 0
  install="apt-get install -y --no-install-recommends $missing"
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif works command -v sudo; then
    as_root=sudo
    say "These packages of the distribution are missing: $missing"
    say "Installing them needs root, so sudo may now ask for your password."
    sudo true || die "sudo was refused. Run this as root, then call bootstrap.sh again:
  apt-get update && $install"
  else
    die "these packages of the distribution are missing and installing them needs root (there is no sudo here).
Run this as root, then call bootstrap.sh again:
  apt-get update && $install"
  fi
  say "Installing packages: $missing"
  options="-o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 -qq"
  log=$(mktemp "${TMPDIR:-/tmp}/deepmoe-apt.XXXXXX")
  # A source that cannot be reached need not be one of those wanted here: let the installation decide.
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get $options update >"$log" 2>&1 || true
  # shellcheck disable=SC2086
  if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get $options install -y --no-install-recommends $missing \
    >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "the packages could not be installed (messages above). If an installation was interrupted before, run
'dpkg --configure -a' as root first. By hand: apt-get update && $install"
  fi
  rm -f "$log"
}

install_packages() {
  if [ "$system" = debian ] && works command -v dpkg-query; then
    install_debian_packages
    return
  fi
  for tool in cmake ninja c++ python3; do
    works "$tool" --version || {
      packages_to_install >&2
      die "'$tool' is not there or does not work. Install what is listed above, then call bootstrap.sh again."
    }
  done
}

packages_to_install() {
  case $system in
    debian) say "Needed on Debian: apt-get install $(packages_of debian)" ;;
    fedora) say "Needed on Fedora: sudo dnf install $(packages_of fedora)" ;;
    macos) say "Needed on macOS: xcode-select --install; brew install $(packages_of macos)" \
      'and then: export CMAKE_PREFIX_PATH="$(brew --prefix libarchive):$(brew --prefix openssl)"' ;;
    *) cat <<END ;;
Needed (packages are installed by this script on Debian and Ubuntu only): a C++20 compiler (GCC 12, Clang 15 or newer),
CMake 3.22, Ninja, pkg-config, Python 3.10 with venv, and the development files of nlohmann-json 3.11, CLI11, doctest,
oneTBB, Highway, libjpeg-turbo, libpng, DLPack, protozero, libcurl, libarchive, OpenSSL and Eigen 3.4; better with ccache.
END
  esac
}

# ---- LibTorch -----------------------------------------------------------------------------------------------------

nvidia_driver_is_present() { [ -e /proc/driver/nvidia/version ] || works nvidia-smi -L; }

cuda_is_wanted() {
  case ${BOOTSTRAP_CUDA:-} in
    1) true ;;
    0) false ;;
    '') nvidia_driver_is_present ;;
    *) die "BOOTSTRAP_CUDA is '$BOOTSTRAP_CUDA'; it must be 0 or 1" ;;
  esac
}

# Sets $libtorch, to nothing if there is none that can be used.
find_libtorch() { libtorch=$(cmake -P "$repository/cmake/LibTorchSearch.cmake"); }

find_or_install_libtorch() {
  find_libtorch
  if [ -n "${LIBTORCH:-}" ] && [ -z "$libtorch" ]; then
    die "LIBTORCH=$LIBTORCH cannot be used (see above). Correct or unset it."
  fi
  case $libtorch in
    '') install_libtorch ;;
    # Made here before there was a driver.
    "$environment"/*)
      if cuda_is_wanted && [ ! -d "${libtorch%/torch}/nvidia/cudnn" ] && [ "$(uname -s)" = Linux ]; then
        install_libtorch
      fi
      ;;
  esac
}

require_space() {
  free=$(df -Pk "$cache" | awk 'NR == 2 { print int($4 / 1024) }')
  [ "$free" -ge "$1" ] || die "LibTorch needs $1 MB in $cache while it is installed, and $free MB are free there.
Free some space, or set XDG_CACHE_HOME to a folder on a larger disk${2:-}."
}

# Everything goes to a folder that only this process uses, which gets its name when complete.
install_libtorch() {
  mkdir -p "$cache" || die "the folder $cache cannot be made. Set XDG_CACHE_HOME to a folder that you may write to."
  remove_abandoned_installations
  if cuda_is_wanted; then
    require_space 9500 ", or leave CUDA's libraries out with BOOTSTRAP_CUDA=0"
    say "Installing LibTorch $libtorch_version with CUDA in $environment (about 3 GB to download, 5.5 GB on disk)"
  else
    require_space 2000
    say "Installing LibTorch $libtorch_version in $environment (about 0.6 GB to download, 1.3 GB on disk)"
  fi
  partial=$cache/.partial-$$
  trap 'rm -rf "$partial"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  make_python_environment

  if cuda_is_wanted; then
    pip_install "torch==$libtorch_version"
  else
    pip_install --no-deps "torch==$libtorch_version"
  fi
  site=$(echo "$partial"/lib/python3*/site-packages)
  # A build with CUDA is linked to two small libraries of CUDA even where only the CPU is used.
  library=$site/torch/lib/libtorch_cpu.so
  if ! cuda_is_wanted && [ -e "$library" ]; then
    cuda=$(LC_ALL=C grep -ao -m1 'libcudart\.so\.[0-9]*' "$library" | head -n 1)
    cuda=${cuda##*.}
    [ -z "$cuda" ] || pip_install --no-deps "nvidia-cuda-runtime==$cuda.*" "nvidia-cuda-cupti==$cuda.*"
  fi
  rm -rf "$partial/tmp"

  reason=$(LIBTORCH=$site/torch cmake -P "$repository/cmake/LibTorchSearch.cmake" 2>&1 >/dev/null)
  [ -z "$reason" ] || die "what pip installed cannot be used:$reason"
  if [ -e "$library" ]; then
    "$partial/bin/python" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$library" ||
      die "what pip installed cannot be loaded (see above). Install PyTorch yourself and set LIBTORCH to its folder."
  fi
  rm -rf "$environment"
  mv "$partial" "$environment"
  trap - EXIT INT TERM HUP
  find_libtorch
  [ -n "$libtorch" ] || die "LibTorch was installed in $environment but is not found there. Remove that folder and retry."
}

# Headers of CUDA, of which a LibTorch that was installed above has but some, for libdeepmoe_cuda. NCCL's must be of the
# version that LibTorch was compiled with; the library that they come with is for who has CUDA, and has it already.
install_cuda_headers() {
  site=${libtorch%/torch}
  case $libtorch in "$environment"/*) ;; *) return 0 ;; esac
  [ -e "$libtorch/lib/libtorch_cuda.so" ] || return 0
  if [ -e "$site/nvidia/cu13/include/crt" ] && [ -e "$site/nvidia/cu13/include/nv" ] &&
    [ -e "$site/nvidia/nccl/include/nccl.h" ]; then
    return 0
  fi
  say "Installing headers of CUDA and NCCL in $environment (up to 0.3 GB to download, 30 MB on disk)"
  nccl=
  [ -e "$site/nvidia/nccl/include/nccl.h" ] || nccl=$(sed -n 's/^Requires-Dist: *\(nvidia-nccl-cu13==[0-9.]*\).*/\1/p' "$site"/torch-*.dist-info/METADATA)
  partial=$cache/.partial-$$
  trap 'rm -rf "$partial"' EXIT
  mkdir -p "$partial"
  if TMPDIR=$partial "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
    --retries 1 --no-compile --only-binary :all: --no-deps --target "$partial/site" \
    "nvidia-cuda-crt==13.*" "nvidia-cuda-cccl==13.*" ${nccl:+"$nccl"}; then
    rm -rf "$partial/site/nvidia/nccl/lib"
    cp -R "$partial/site/nvidia/." "$site/nvidia/"
    rm -f "$repository"/build/*/build.ninja # so that they are found
  else
    say "They could not be installed (see above); libdeepmoe_cuda will not be built: no CUDA graphs and no NCCL."
  fi
  rm -rf "$partial"
  trap - EXIT
}

remove_abandoned_installations() {
  for folder in "$cache"/.partial-*; do
    [ -d "$folder" ] || continue
    kill -0 "${folder##*-}" 2>/dev/null || rm -rf "$folder"
  done
}

make_python_environment() {
  for python in python3 /usr/bin/python3; do
    rm -rf "$partial"
    if works "$python" -m venv "$partial"; then
      mkdir "$partial/tmp"
      return
    fi
  done
  die "python3 ($(command -v python3)) cannot make a virtual environment. Install its venv module (Debian: apt-get
install python3-venv), or install PyTorch 2.6 or newer yourself and set LIBTORCH to its folder .../site-packages/torch."
}

pip_install() {
  TMPDIR=$partial/tmp "$partial/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
    --no-compile --only-binary :all: "$@" ||
    die "pip could not install ${*#--no-deps } (see above). Without a connection, or where this Python ($("$partial/bin/python" -V))
is not served, install PyTorch 2.6 or newer elsewhere and set LIBTORCH to its folder .../site-packages/torch."
}

# ---- Python for the tests -------------------------------------------------------------------------------------------

# Some tests set our results beside those of other programs; without these they say so and are skipped.
install_test_python() {
  install_test_programs
  works "$cache/test-python/bin/python" -c 'import tree_sitter_julia' || ! works "$cache/test-python/bin/python" -c '' ||
    "$cache/test-python/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --only-binary :all: \
      tree-sitter tree-sitter-julia || say "tree-sitter could not be installed; the syntax of the Julia package will not be tested."
}

install_test_programs() {
  if works "$cache/test-python/bin/python" -c 'import numpy, onnxruntime, tensorboard, cffi, pytest'; then return 0; fi
  say "Installing numpy, onnxruntime, tensorboard, cffi and pytest in $cache/test-python for some of the tests (about 0.3 GB)"
  mkdir -p "$cache"
  remove_abandoned_installations
  partial=$cache/.partial-$$
  trap 'rm -rf "$partial"' EXIT
  if (make_python_environment && TMPDIR=$partial/tmp "$partial/bin/python" -m pip install --quiet \
    --disable-pip-version-check --no-cache-dir --only-binary :all: numpy onnxruntime tensorboard cffi pytest && rm -rf "$partial/tmp"); then
    rm -rf "$cache/test-python"
    mv "$partial" "$cache/test-python"
  else
    say "They could not be installed (see above); the tests that need them will be skipped."
  fi
  rm -rf "$partial"
  trap - EXIT
}

# ---- Comparison of binary interfaces for the tests -----------------------------------------------------------------

# One test compares the libraries' interface with a stored one; without abidiff it says so and is skipped.
install_abi_tools() {
  if works command -v abidiff && works command -v abidw || [ "$system" != debian ]; then return 0; fi
  as_root=
  [ "$(id -u)" = 0 ] || as_root="sudo -n"
  say "Installing abigail-tools for the test of the binary interface"
  # shellcheck disable=SC2086
  (works $as_root apt-get -qq update || true) && works $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install -y --no-install-recommends abigail-tools ||
    say "It could not be installed (as root: apt-get install abigail-tools); the test will be skipped."
}

# ---- 64-bit ARM for the tests --------------------------------------------------------------------------------------

# One test compiles the engine for another processor and runs it there; without these it says so and is skipped.
install_cross_packages() {
  [ "${BOOTSTRAP_CROSS:-0}" = 1 ] || return 0
  if works command -v qemu-aarch64 && works command -v aarch64-linux-gnu-g++ &&
    [ -e /usr/lib/aarch64-linux-gnu/libhwy.so ] && [ -e /usr/lib/aarch64-linux-gnu/libtbb.so ]; then
    return
  fi
  if [ "$system" != debian ] || [ "$(id -u)" != 0 ] || [ "$(uname -m)" != x86_64 ]; then
    say "BOOTSTRAP_CROSS needs Debian on x86-64 and root; the test on 64-bit ARM will be skipped."
    return
  fi
  say "Installing a compiler and an emulator for 64-bit ARM"
  (dpkg --add-architecture arm64 && apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
    --no-install-recommends g++-aarch64-linux-gnu qemu-user libhwy-dev:arm64 libtbb-dev:arm64) >/dev/null 2>&1 ||
    say "They could not be installed; the test on 64-bit ARM will be skipped."
}

# ---- Build --------------------------------------------------------------------------------------------------------

cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt" 2>/dev/null || true; }

configure() {
  if [ -e "$build/CMakeCache.txt" ] && [ "$(cached CMAKE_HOME_DIRECTORY)" != "$repository" ]; then
    # The checkout was moved: CMake refuses to go on.
    rm -rf "$build/CMakeCache.txt" "$build/CMakeFiles" "$build/build.ninja"
  fi
  if [ -e "$build/build.ninja" ] && [ "$(cached LIBTORCH)" = "$libtorch" ]; then
    return
  fi
  say "Configuring build/$preset"
  mkdir -p "$build"
  rm -f "$build/build.ninja" # so that an interrupted configuration is done again
  if ! cmake --preset "$preset" "-DLIBTORCH=$libtorch" >"$build/configure.log" 2>&1; then
    grep -v '^--' "$build/configure.log" >&2 || cat "$build/configure.log" >&2
    [ "$system" = debian ] || packages_to_install >&2
    die "CMake could not configure the build (messages above; all of them in build/$preset/configure.log)"
  fi
}

# A file that includes LibTorch takes up to 2 GB to compile.
compilations_at_a_time() {
  processors=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 2000000) }' /proc/meminfo 2>/dev/null || true)
  if [ -n "${memory:-}" ] && [ "$memory" -lt "$processors" ]; then
    processors=$memory
  fi
  [ "$processors" -ge 1 ] || processors=1
  say "$processors"
}

compile() {
  jobs=${BOOTSTRAP_JOBS:-$(compilations_at_a_time)}
  if [ -t 1 ]; then
    cmake --build --preset "$preset" -j "$jobs" || die "the build failed (messages above)"
    return
  fi
  say "Building in build/$preset (progress in build/$preset/build.log)"
  if ! cmake --build --preset "$preset" -j "$jobs" >"$build/build.log" 2>&1; then
    sed -n '/^FAILED/,$p' "$build/build.log" | head -n 100 >&2
    die "the build failed (messages above; all of them in build/$preset/build.log)"
  fi
}

run_tests() {
  log=$build/ctest.log
  status=0
  # Each test may use two threads.
  ctest --preset "$preset" -j 2 --output-log "$log" || status=$?
  say
  grep '^[0-9]*% tests passed' "$log" || say "bootstrap: ctest ran no test"
  exit "$status"
}

# ---- Main ---------------------------------------------------------------------------------------------------------

command=setup
preset=release
case ${1:-} in
  -h | --help | help)
    usage
    exit 0
    ;;
  setup | build | demo | test)
    command=$1
    shift
    ;;
esac
case ${1:-} in
  '') ;;
  release | debug | asan | tsan)
    preset=$1
    shift
    ;;
esac
if [ $# -gt 0 ]; then
  usage >&2
  die "'$1' is not known here"
fi

case ${XDG_CACHE_HOME:-} in
  /*) cache=$XDG_CACHE_HOME/libdeepmoe ;;
  *) cache=${HOME:?bootstrap: set HOME or XDG_CACHE_HOME, where LibTorch is kept}/.cache/libdeepmoe ;;
esac
environment=$cache/libtorch-$libtorch_version
build=$repository/build/$preset
cd "$repository"

detect_system
install_packages
find_or_install_libtorch
install_cuda_headers
configure
case $command in
  setup) say "Ready: LibTorch is $libtorch, the build is build/$preset. Next: sh cmake/bootstrap.sh demo" ;;
  build) compile && say "Built: build/$preset/bin, build/$preset/lib" ;;
  demo)
    compile
    . "$repository/cmake/demo.sh"
    ;;
  test)
    compile
    install_test_python
    install_abi_tools
    install_cross_packages
    run_tests
    ;;
esac
