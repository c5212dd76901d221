#!/bin/sh
# Builds the plugin in Rust, which needs no other crate, and trains on its data set. Arguments: the tree, the command, a folder.
set -eu
tree=$1 deepmoe=$2 folder=$3
if ! command -v cargo >/dev/null 2>&1; then
  echo "SKIPPED: the plugin in Rust is not tested, as there is no cargo on PATH"
  exit 0
fi
minor=$(cargo --version | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
if [ "${minor:-85}" -lt 85 ]; then
  echo "SKIPPED: the plugin in Rust is not tested, as it needs cargo 1.85; this is $(cargo --version)"
  exit 0
fi
mkdir -p "$folder"
CARGO_TARGET_DIR="$folder/cargo" cargo build --release --locked --offline --manifest-path "$tree/samples/plugins/rust/Cargo.toml"
plugin="$folder/cargo/release/libsample_rust.so"
"$deepmoe" plugins "$plugin" | grep -- "--dataset sample_rust:chequers"
cd "$folder"
"$deepmoe" train --plugin "$plugin" --dataset sample_rust:chequers --width 0.125 --epochs 1 --num_workers 2 --threads 1 --out run --overwrite
