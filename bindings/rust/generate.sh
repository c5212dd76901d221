#!/bin/sh
# Writes deepmoe-sys/src/runtime.rs and training.rs from the C headers. Run it after a change of the headers.
# It needs libclang and bindgen: cargo install bindgen-cli
set -eu
cd "$(dirname "$0")"
headers=../../capi

# generate(<header> <file> <what it uses> <options...>): declarations with the header's comments. DLPack's tensor is by hand.
generate() {
  header=$1 file=$2 uses=$3
  shift 3
  bindgen "$headers/$header" --output "deepmoe-sys/src/$file" --no-layout-tests --merge-extern-blocks --rust-target 1.85 --rust-edition 2024 \
    --default-macro-constant-type signed --blocklist-type DLManagedTensor --raw-line "use crate::$uses;" \
    --allowlist-file ".*/$header" --allowlist-var 'DMOE_.*' "$@" -- -fparse-all-comments -isystem "$(cc -print-file-name=include)"
}
generate deepmoe_runtime.h runtime.rs dlpack::DLManagedTensor
generate deepmoe.h training.rs '{dlpack::DLManagedTensor, runtime::*}' --blocklist-file '.*/deepmoe_runtime.h'
