#!/bin/sh
# Runs a Python script with the first Python that has what it needs; says "SKIPPED: why" where there is none.
# Arguments: a Python to try, or '' (before the usual ones), modules (with commas between), the script, its arguments.
given=$1
modules=$2
shift 2
reason="no Python was found"
for python in "${DEEPMOE_PYTHON:-}" "${XDG_CACHE_HOME:-$HOME/.cache}/libdeepmoe/test-python/bin/python" "$given" python3; do
  command -v "$python" >/dev/null 2>&1 || continue
  if error=$("$python" -c "import $modules" 2>&1); then
    exec "$python" "$@"
  fi
  reason="$python: $(printf '%s\n' "$error" | tail -n 1)"
done
echo "SKIPPED: no Python can import $modules ($reason); DEEPMOE_PYTHON names one that can"
