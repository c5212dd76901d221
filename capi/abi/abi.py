"""The binary interface of the two libraries, kept beside this file and compared with headers and libraries.

    abi.py compare [LIBRARY...]   ends with 1 where a function or constant was removed or changed, and says which
    abi.py update                 writes the dumps anew (after an addition; see capi/VERSIONING.md)

Both take --headers FOLDER, --dumps FOLDER, --compiler CC. libabigail's abidw and abidiff do the work.

They read an interface's types from debug information, which a release build has not. So abidw is given a library of the
same name that is made of the headers alone, every function with an empty body, compiled in a moment. That its signatures
are those of the real library the compiler proves, as each source file of capi/ includes the header whose functions it
defines. Of the real libraries, where they are given, the functions are compared as they are. So a dump holds what a host
sees, and nothing that another compiler or another option would change.

A constant leaves no trace in a library. Each is a variable of the made one, an array of as many elements and one more.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LIBRARIES = {
    "deepmoe_runtime": ["deepmoe_runtime.h"],
    "deepmoe": ["deepmoe_runtime.h", "deepmoe.h"],
}
SONAME_VERSION = 0


def without_comments(text: str) -> str:
    """A header's text, with a space for each comment."""
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)


def stand_in(headers: pathlib.Path, names: list) -> str:
    """The source of a library that has the headers' functions and constants."""
    source = [f'#include "{name}"' for name in names]
    for name in names:
        text = without_comments((headers / name).read_text(encoding="utf-8"))
        source += [f"char {constant}_is[{constant} + 1];" for constant in re.findall(r"#define (DMOE_\w+) +\d+", text)]
        functions = re.findall(r"^DMOE_API ([^;]+);", text, flags=re.MULTILINE)
        source += [f"{function} {{ __builtin_trap(); }}" for function in functions]
    return "\n".join(source) + "\n"


def run(*command) -> str:
    """Output of a command that must succeed."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def dump(compiler: str, headers: pathlib.Path, library: str, target: pathlib.Path) -> None:
    """Writes the interface of one library that has these headers."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "stand_in.c"
        source.write_text(stand_in(headers, LIBRARIES[library]), encoding="utf-8")
        binary = source.with_name(f"lib{library}.so")
        run(compiler, "-std=c99", "-g", "-O0", "-w", "-shared", "-fPIC", "-nostdlib", f"-I{headers}", source, "-o", binary,
            f"-Wl,-soname,lib{library}.so.{SONAME_VERSION}")
        run("abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-architecture", "--no-elf-needed",
            "--no-write-default-sizes", "--type-id-style", "hash", "--headers-dir", headers, "--out-file", target, binary)


def abidiff(stored: pathlib.Path, present: pathlib.Path, *options) -> str:
    """What was removed or changed, in abidiff's words; empty where nothing was. Its status tells errors (1, 2) from that."""
    command = ["abidiff", "--no-architecture", *options, str(stored), str(present)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode & 3:
        sys.exit(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")
    return result.stdout if result.returncode else ""


def compare(arguments: argparse.Namespace) -> int:
    """0 where every function and constant of the dumps is there unchanged; new ones are named only."""
    reports = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        suppressions = folder / "constants.suppr"
        suppressions.write_text("[suppress_variable]\nsymbol_name_regexp = ^DMOE_\n", encoding="utf-8")
        for library in LIBRARIES:
            stored = arguments.dumps / f"{library}.abi"
            present = folder / stored.name
            dump(arguments.compiler, arguments.headers, library, present)
            reports.append(abidiff(stored, present, "--no-added-syms"))
            if not reports[-1]:
                print(abidiff(stored, present) or f"The headers of lib{library} are what its dump holds.")
        for library in arguments.libraries:
            stripped = folder / library.name
            run("strip", "-o", stripped, library)
            stored = arguments.dumps / (library.name.removeprefix("lib").partition(".")[0] + ".abi")
            reports.append(abidiff(stored, stripped, "--no-added-syms", "--suppressions", suppressions))
    if not any(reports):
        return 0
    print("\n".join(report for report in reports if report))
    print("What was released must stay as it was: see capi/VERSIONING.md.")
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["compare", "update"])
    parser.add_argument("libraries", type=pathlib.Path, nargs="*")
    parser.add_argument("--headers", type=pathlib.Path, default=HERE.parent)
    parser.add_argument("--dumps", type=pathlib.Path, default=HERE)
    parser.add_argument("--compiler", default="cc")
    arguments = parser.parse_args()
    if not shutil.which("abidw") or not shutil.which("abidiff"):
        print("SKIPPED: abidw and abidiff are not there (Debian: abigail-tools)")
        return 0
    if arguments.command == "compare":
        return compare(arguments)
    for library in LIBRARIES:
        dump(arguments.compiler, arguments.headers, library, arguments.dumps / f"{library}.abi")
    return 0


if __name__ == "__main__":
    sys.exit(main())
