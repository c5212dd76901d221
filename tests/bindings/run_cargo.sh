#!/bin/sh
# Runs cargo in a folder; says "SKIPPED: why" where it cannot. Arguments: the folder, cargo's command, its arguments.
folder=$1
command=$2
shift 2
oldest=85

if ! command -v cargo >/dev/null 2>&1; then
  echo "SKIPPED: the Rust crates are not tested, as there is no cargo on PATH"
  exit 0
fi
minor=$(cargo --version | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
if [ "${minor:-$oldest}" -lt $oldest ]; then
  echo "SKIPPED: the Rust crates are not tested, as they need cargo 1.$oldest; this is $(cargo --version)"
  exit 0
fi
if ! cargo "$command" --version >/dev/null 2>&1 && [ "$command" != test ]; then
  echo "SKIPPED: there is no cargo $command here"
  exit 0
fi
cd "$folder" || exit 1
if ! reason=$(cargo fetch --locked 2>&1); then
  case $reason in *"--locked"*) echo "$reason" >&2; exit 1 ;; esac # Cargo.lock is old.
  echo "SKIPPED: the Rust crates are not tested, as what they need cannot be fetched: $reason"
  exit 0
fi
exec cargo "$command" --locked "$@"
