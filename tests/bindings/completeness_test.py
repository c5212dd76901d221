"""Every function of the C headers is declared and used by every binding. Argument: the root of the source tree."""

import importlib.util
import pathlib
import re
import sys

import c_headers

# A failed call's status is its error's code, so a wrapper need not ask for it.
TOLD_BY_THE_STATUS = ("dmoe_error_code",)
ROOT = pathlib.Path(sys.argv[1])


def source(folder, pattern):
    """All files of a binding as one text."""
    return "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "bindings" / folder).glob(pattern)))


def python_lacks(names):
    code = source("python/src/deepmoe", "*.py")
    used = set(re.findall(r"\blib\.(dmoe_\w+)", code))
    used |= {kind + "_release" for kind in re.findall(r'_kind = "(dmoe_\w+)"', code)}
    return [name for name in names if name not in used]


def python_declarations_are_old():
    script = ROOT / "bindings" / "python" / "make_declarations.py"
    specification = importlib.util.spec_from_file_location("make_declarations", script)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.TARGET.read_text(encoding="utf-8") != module.text()


def lacks(names, folder, pattern, use):
    used = set(re.findall(use, source(folder, pattern)))
    return [name for name in names if name not in used]


def main():
    names = list(c_headers.functions(ROOT))
    assert len(names) > 70 and "dmoe_engine_run" in names and "dmoe_trainer_fit" in names
    failures = {"Python": python_lacks(names)}
    if python_declarations_are_old():
        failures["Python"].append("declarations.h (run bindings/python/make_declarations.py)")
    for language, folder, pattern, use in (
        ("C++", "../include", "deepmoe.hpp", r"\b(dmoe_\w+)"),
        ("Rust", "rust/deepmoe/src", "**/*.rs", r"(?:sys::|\bdmoe_\w+ )(dmoe_\w+)"),
        ("Go", "go", "*.go", r"\b(dmoe_\w+)\("),
        ("Julia", "julia/src", "*.jl", r"[(= ](dmoe_\w+)"),
    ):
        if (ROOT / "bindings" / folder).is_dir():
            failures[language] = lacks(names, folder, pattern, use)
    declared = {"Rust's declarations (bindings/rust/generate.sh)": c_headers.rust_differences(ROOT),
                "Julia's declarations (bindings/julia/make_declarations.py)": c_headers.julia_differences(ROOT)}
    for language, missing in failures.items():
        missing = [name for name in missing if name not in TOLD_BY_THE_STATUS]
        failures[language] = missing
        print(f"{language}: {'lacks ' + ', '.join(missing) if missing else f'all {len(names)} functions'}")
    for language, differences in declared.items():
        print(f"{language}: {'; '.join(differences) or 'as in the headers'}")
    return 1 if any(failures.values()) or any(declared.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
