"""capi/abi/abi.py over small made-up headers: what it must refuse, and what it must let pass.

Arguments: capi/abi/abi.py, the C compiler, a folder to use.
"""

import pathlib
import shutil
import subprocess
import sys

SCRIPT, COMPILER, FOLDER = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])

RUNTIME = """\
#include <stdint.h>
#ifndef DMOE_API
#define DMOE_API
#endif
/* Says nothing of a function: DMOE_API int32_t dmoe_of_a_comment(void); */
#define DMOE_OK 0
#define DMOE_ERROR_IO 3
typedef struct dmoe_thing dmoe_thing;
typedef int32_t (*dmoe_callback)(int32_t event, void* user_data);
DMOE_API int32_t dmoe_thing_create(dmoe_thing** thing);
DMOE_API int64_t dmoe_thing_size(const dmoe_thing* thing);
DMOE_API int32_t dmoe_thing_run(dmoe_thing* thing, const float* values, int64_t count,
                                dmoe_callback callback, void* user_data);
"""
TRAINING = "DMOE_API void dmoe_trainer_release(void* trainer);\n"
REMOVED = RUNTIME.replace("DMOE_API int64_t dmoe_thing_size(const dmoe_thing* thing);\n", "")

REFUSED = {
    "a removed function": (REMOVED, "dmoe_thing_size"),
    "a renamed function": (RUNTIME.replace("dmoe_thing_size", "dmoe_thing_length"), "dmoe_thing_size"),
    "another type of a parameter": (RUNTIME.replace("const float* values", "const double* values"), "dmoe_thing_run"),
    "another width of a parameter": (RUNTIME.replace("int64_t count", "int32_t count"), "dmoe_thing_run"),
    "another type of a result": (RUNTIME.replace("int64_t dmoe_thing_size", "int32_t dmoe_thing_size"), "dmoe_thing_size"),
    "a parameter more": (RUNTIME.replace("dmoe_thing** thing)", "dmoe_thing** thing, int32_t kind)"), "dmoe_thing_create"),
    "a parameter less": (RUNTIME.replace(", int64_t count", ""), "dmoe_thing_run"),
    "another callback": (RUNTIME.replace("(int32_t event, ", "(int64_t event, "), "dmoe_callback"),
    "another value of a constant": (RUNTIME.replace("DMOE_ERROR_IO 3", "DMOE_ERROR_IO 4"), "DMOE_ERROR_IO"),
    "a removed constant": (RUNTIME.replace("#define DMOE_ERROR_IO 3\n", ""), "DMOE_ERROR_IO"),
}
ALLOWED = {
    "the same": (RUNTIME, "are what its dump holds"),
    "another name of a parameter": (RUNTIME.replace("int64_t count", "int64_t number"), "are what its dump holds"),
    "an added function": (RUNTIME + "DMOE_API int32_t dmoe_thing_copy(dmoe_thing** copy);\n", "dmoe_thing_copy"),
    "an added constant": (RUNTIME + "#define DMOE_ERROR_STATE 9\n", "DMOE_ERROR_STATE"),
    "an added type": (RUNTIME + "typedef struct dmoe_other dmoe_other;\n", "are what its dump holds"),
}


def write(headers: pathlib.Path, runtime: str) -> pathlib.Path:
    """A folder with the two headers."""
    shutil.rmtree(headers, ignore_errors=True)
    headers.mkdir(parents=True)
    (headers / "deepmoe_runtime.h").write_text(runtime, encoding="utf-8")
    (headers / "deepmoe.h").write_text(TRAINING, encoding="utf-8")
    return headers


def run(*arguments) -> subprocess.CompletedProcess:
    """abi.py with these arguments."""
    command = [sys.executable, "-B", SCRIPT, *arguments, "--dumps", FOLDER, "--compiler", COMPILER]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def library(header: str) -> pathlib.Path:
    """A library in a folder of its own that has the functions of a header, without debug information."""
    binary = FOLDER / "built" / "libdeepmoe_runtime.so"
    binary.parent.mkdir(exist_ok=True)
    source = binary.with_name("library.c")
    names = [name for name in ("create", "size", "run", "copy") if f"dmoe_thing_{name}(" in header]
    source.write_text("".join(f"int dmoe_thing_{name}(void) {{ return 0; }}\n" for name in names), encoding="utf-8")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-Wl,-soname,libdeepmoe_runtime.so.0", source, "-o", binary], check=True)
    return binary


def main() -> int:
    """The number of cases that failed."""
    failures = []

    def expect(what: str, result: subprocess.CompletedProcess, status: int, word: str) -> None:
        if result.returncode != status or word not in result.stdout:
            failures.append(what)
            print(f"FAILED: {what}: status {result.returncode}, not {status} with '{word}'\n{result.stdout}{result.stderr}")

    shutil.rmtree(FOLDER, ignore_errors=True)
    first = write(FOLDER / "headers", RUNTIME)
    made = run("update", "--headers", first)
    if "SKIPPED" in made.stdout:
        print(made.stdout)
        return 0
    assert made.returncode == 0, made.stderr
    for status, cases in ((1, REFUSED), (0, ALLOWED)):
        for what, (header, word) in cases.items():
            expect(what, run("compare", "--headers", write(FOLDER / "changed", header)), status, word)

    added = ALLOWED["an added function"][0]
    expect("a library with all", run("compare", library(RUNTIME), "--headers", first), 0, "")
    expect("a library with more", run("compare", library(added), "--headers", first), 0, "")
    expect("a library with less", run("compare", library(REMOVED), "--headers", first), 1, "dmoe_thing_size")
    broken = run("compare", "--headers", write(FOLDER / "changed", "no C"))
    if broken.returncode == 0 or "failed" not in broken.stderr:
        failures.append("a header that does not compile")
    return len(failures)


if __name__ == "__main__":
    sys.exit(main())
