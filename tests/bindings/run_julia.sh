#!/bin/sh
# Runs the tests of a Julia package; says "SKIPPED: why" where it cannot. Arguments: the package, a folder for a copy of it.
package=$1
copy=$2

if ! command -v julia >/dev/null 2>&1; then
  echo "SKIPPED: the Julia package is not run, as there is no julia on PATH; its declarations and calls are checked"
  exit 0
fi
# Julia writes a manifest beside what it tests. The copy is as deep as the package, so that it finds the shared cases.
rm -rf "$copy"
mkdir -p "$copy/bindings" "$copy/tests"
cp -r "$package" "$copy/bindings/julia"
ln -s "$package/../../tests/bindings" "$copy/tests/bindings"
ln -s "$package/../../capi" "$package/../../README.md" "$copy"
if ! reason=$(julia --project="$copy/bindings/julia" -e 'using Pkg; Pkg.instantiate()' 2>&1); then
  echo "SKIPPED: the Julia package is not run, as Julia's package manager fails: $reason"
  exit 0
fi
exec julia --project="$copy/bindings/julia" -e 'using Pkg; Pkg.test(; julia_args = ["--threads=2"])'
