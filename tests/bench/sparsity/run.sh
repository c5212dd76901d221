#!/bin/sh
# Dense and sparse networks on CIFAR-10: accuracy against multiply-accumulates and against the engine's time.
#
# usage: sh tests/bench/sparsity/run.sh [--quick] [--data_dir DATA_DIR] [--out FOLDER] [--only NAME ...] [--seeds N]
#        DATA_DIR holds train/ and test/ with a folder of images per class, or cifar-10-batches-py; without it the data set
#        is fetched. See run.py for the rest.
set -eu
repository=$(CDPATH='' cd -- "$(dirname -- "$0")/../../.." && pwd)
[ -n "${DEEPMOE:-}" ] || DEEPMOE=$repository/build/release/bin/deepmoe
[ -x "$DEEPMOE" ] || sh "$repository/cmake/bootstrap.sh" build
export DEEPMOE
exec python3 "$repository/tests/bench/sparsity/run.py" "$@"
