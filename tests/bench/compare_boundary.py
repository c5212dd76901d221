"""Sets dmoe_engine_run and dmoe_trainer_step as called from each language beside the same calls from C++: a run of
one image, a step of two.

usage: python3 tests/bench/compare_boundary.py BUILD [--rounds 60] [--processes 5] [--languages rust,go,python,julia] [--json]

BUILD is a build tree with libdeepmoe and bench_boundary. The network is resnet18_moe of width 0.25 at 32 pixels. A program of
each language waits for orders; C++ and one of them get them in turns, and a ratio is to the mean of C++ before and after.
Processes differ in where their memory lies, so all are started anew several times. The figure of a language is the median of its
ratios, beside which stands C++ measured against itself. Turns are short, as longer ones scattered on two processors that had
other work: of 200 engine calls each, they put C++ 2.1 % off itself and Go 1.5 %, of 10 each 0.2 % and 0.1 %. Languages that are
not there are named. The exit status is 1 when a median exceeds 1.02.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BINDINGS = HERE.parent.parent / "bindings"
ACCEPTED = 1.02
CALLS = {"engine": 10, "step": 1}


def commands(build, wanted):
    """The program of each language that is there."""
    run = {"C++": [str(build / "bin" / "bench_boundary")]}
    run["C++ again"] = run["C++"]
    for language in wanted:
        program = {"rust": "cargo", "python": sys.executable}.get(language, language)
        if shutil.which(program) is None:
            print(f"{language}: not measured, as there is no {program} on PATH")
        elif language == "rust":
            subprocess.run(["cargo", "bench", "--quiet", "--bench", "boundary", "--no-run"], cwd=BINDINGS / "rust", check=True)
            run[language] = ["cargo", "bench", "--quiet", "--manifest-path", str(BINDINGS / "rust" / "Cargo.toml"), "--bench", "boundary"]
        elif language == "go":
            target = build / "bin" / "bench_boundary_go"
            subprocess.run(["go", "build", "-o", str(target), "./internal/boundary"], cwd=BINDINGS / "go", check=True)
            run[language] = [str(target)]
        elif language == "python" and not all(importlib.util.find_spec(name) for name in ("numpy", "cffi")):
            print(f"python: not measured, as {sys.executable} has no numpy or no cffi")
        elif language == "python":
            run[language] = [sys.executable, str(HERE / "boundary" / "boundary.py")]
        elif language == "julia":
            run[language] = ["julia", f"--project={BINDINGS / 'julia'}", str(HERE / "boundary" / "boundary.jl")]
    return run


def microseconds(process, what):
    """Of one call, as the mean of some."""
    process.stdin.write(f"{what} {CALLS[what]}\n")
    process.stdin.flush()
    return int(process.stdout.readline()) / CALLS[what] / 1000


def measure(run, rounds, ratios, times):
    """Starts all programs and adds to the ratios of each."""
    processes = {name: subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                 for name, command in run.items()}
    for what in CALLS:
        for name in processes:
            if name == "C++":
                continue
            turns = [[microseconds(processes[program], what) for program in ("C++", name)] for _ in range(rounds + 3)][2:]
            for (before, time), (after, _) in zip(turns, turns[1:]):
                times.setdefault((name, what), []).append(time)
                ratios.setdefault((name, what), []).append(2 * time / (before + after))
    for process in processes.values():
        process.stdin.close()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--languages", default="rust,go,python,julia")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    os.environ.update(OMP_NUM_THREADS="1", DEEPMOE_LIBRARY=str(build / "lib" / "libdeepmoe.so"), PYTHONPATH=str(BINDINGS / "python" / "src"),
                      CARGO_TARGET_DIR=str(build / "cargo-bench"), PKG_CONFIG_PATH=str(build / "pkgconfig"))
    run, ratios, times = commands(build, arguments.languages.split(",")), {}, {}
    for _ in range(arguments.processes):
        measure(run, arguments.rounds, ratios, times)
    rows = [{"language": name, "call": what, "microseconds": round(statistics.median(times[name, what]), 2),
             "ratio": round(statistics.median(values), 4)} for (name, what), values in ratios.items()]
    for row in sorted(rows, key=lambda row: row["call"]):
        print(json.dumps(row) if arguments.json else "{call:8}{language:12}{microseconds:10.1f} us{ratio:10.3f}".format(**row))
    return 1 if any(row["ratio"] > ACCEPTED for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
