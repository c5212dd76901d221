#!/bin/sh
# Runs go in a folder; says "SKIPPED: why" where it cannot. Arguments: the folder, go's arguments.
folder=$1
shift
oldest=21

for program in go pkg-config; do
  if ! command -v $program >/dev/null 2>&1; then
    echo "SKIPPED: the Go package is not tested, as there is no $program on PATH"
    exit 0
  fi
done
minor=$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
if [ "${minor:-$oldest}" -lt $oldest ]; then
  echo "SKIPPED: the Go package is not tested, as it needs Go 1.$oldest; this is $(go env GOVERSION)"
  exit 0
fi
if [ "$(go env CGO_ENABLED)" != 1 ]; then
  echo "SKIPPED: the Go package is not tested, as cgo is off (CGO_ENABLED, or no C compiler)"
  exit 0
fi
cd "$folder" && exec go "$@"
