"""Reads the functions and numbers of the C headers, and compares declarations in other languages with them."""

import pathlib
import re
from typing import Dict, List, NamedTuple, Tuple

HEADERS = ("deepmoe_runtime.h", "deepmoe.h")


class Function(NamedTuple):
    """A function's result and parameters; types are C's without `struct` and spaces around stars."""

    result: str
    types: Tuple[str, ...]


def _without_comments(root: pathlib.Path) -> str:
    text = "".join((root / "capi" / name).read_text(encoding="utf-8") for name in HEADERS)
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def _type_of(parameter: str) -> str:
    words = re.match(r"\s*((?:const\s+)?(?:struct\s+)?\w+)\s*([*\s]*)\w+\s*$", parameter)
    assert words, f"a parameter is not understood: {parameter!r}"
    return words[1].replace("struct ", "") + words[2].replace(" ", "")


def functions(root: pathlib.Path) -> Dict[str, Function]:
    """All functions by name."""
    found = re.findall(r"DMOE_API\s+([\w\s]+?[\s*]+)(dmoe_\w+)\(([^)]*)\)\s*;", _without_comments(root))
    return {name: Function(result.strip().replace(" *", "*"),
                           tuple(_type_of(p) for p in parameters.split(",") if p.strip() != "void"))
            for result, name, parameters in found}


def numbers(root: pathlib.Path) -> Dict[str, int]:
    """The DMOE_* constants."""
    return {name: int(value) for name, value in
            re.findall(r"^#define (DMOE_\w+) +(-?\d+)\s*$", _without_comments(root), flags=re.MULTILINE)}


def differences(expected: Dict[str, object], found: Dict[str, object]) -> List[str]:
    """What is missing, other or surplus, in words."""
    result = [f"{name} is missing" for name in expected if name not in found]
    result += [f"{name} is not in the headers" for name in found if name not in expected]
    return result + [f"{name} is {found[name]}, must be {expected[name]}"
                     for name in expected if name in found and found[name] != expected[name]]


# ---- Rust -------------------------------------------------------------------------------------------------------------

_RUST = {"int32_t": "i32", "int64_t": "i64", "uint8_t": "u8", "float": "f32", "double": "f64", "char": "c_char",
         "void": "c_void"}


def rust_type(c_type: str) -> str:
    """How bindgen writes a type."""
    name, stars = re.match(r"((?:const )?\w+)(\**)", c_type).groups()
    constant = name.startswith("const ")
    name = name.replace("const ", "")
    result = _RUST.get(name, name)
    for star in range(len(stars)):
        result = ("*const " if constant and star == 0 else "*mut ") + result
    return result


def rust_functions(text: str) -> Dict[str, Function]:
    """What bindgen declared."""
    text = re.sub(r"#\[doc = \"(?:[^\"\\]|\\.)*\"\]", "", text).replace("::std::os::raw::", "")
    return {name: Function(result.strip(), tuple(re.sub(r"^\w+: ", "", p.strip()) for p in parameters.split(",") if p.strip()))
            for name, parameters, result in
            re.findall(r"pub fn (dmoe_\w+)\(([^)]*)\)\s*(?:->\s*([^;]+))?;", text)}


def rust_differences(root: pathlib.Path) -> List[str]:
    """Between the headers and bindings/rust/deepmoe-sys."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((root / "bindings/rust/deepmoe-sys/src").glob("*.rs")))
    expected = {name: Function("" if f.result == "void" else rust_type(f.result), tuple(map(rust_type, f.types)))
                for name, f in functions(root).items()}
    constants = {name: int(value) for name, value in re.findall(r"pub const (DMOE_\w+): i32 = (-?\d+);", text)}
    return differences(expected, rust_functions(text)) + differences(numbers(root), constants)


# ---- Julia ------------------------------------------------------------------------------------------------------------

_JULIA = {"int32_t": "Int32", "int64_t": "Int64", "uint8_t": "UInt8", "float": "Float32", "double": "Float64",
          "void": "Cvoid"}


def julia_type(c_type: str) -> str:
    """How a type is declared to ccall."""
    name = c_type.replace("const ", "").rstrip("*")
    stars = c_type.count("*")
    if (name, stars) == ("char", 1):
        return "Cstring"
    result = "Cvoid" if name.endswith("_callback") else _JULIA.get(name, name)
    for _ in range(stars + name.endswith("_callback")):
        result = "Ptr{" + result + "}"
    return result


def _split(text: str) -> List[str]:
    """Arguments, between the commas that are in no bracket."""
    parts, depth, part = [], 0, ""
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += character
    return parts + [part.strip()] if part.strip() else parts


def julia_functions(text: str) -> Dict[str, Function]:
    """What each method of bindings/julia/src/raw/declarations.jl calls, with the types that it says."""
    found = {}
    for name in re.findall(r"^const at_(\w+) = Entry\(:\1\)$", text, flags=re.MULTILINE):
        body = text[text.index(f"Entry(:{name})"):].split("\nconst at_")[0]
        call = re.search(rf"@ccall \$(?:\(address\(at_{name}\)\)|entry)\((.*)\)::(\S+)$", body, flags=re.MULTILINE)
        head = re.search(rf"^(?:function )?{name}\((.*)\)", body, flags=re.MULTILINE)
        assert call and head, f"{name} is not understood"
        typed = [part.split("::") for part in _split(call[1])]
        names = _split(head[1])
        assert [re.sub("^to_", "", argument) for argument, _ in typed] == names, f"{name} mixes its arguments up"
        for argument, type_name in typed:
            if argument.startswith("to_"):
                converted = f"{argument} = Base.unsafe_convert({type_name}, kept_{argument[3:]})"
                kept = f"kept_{argument[3:]} = Base.cconvert({type_name}, {argument[3:]})"
                assert converted in body and kept in body, f"{name} does not keep {argument[3:]}"
        found[name] = Function(call[2], tuple(type_name for _, type_name in typed))
    return found


def julia_differences(root: pathlib.Path) -> List[str]:
    """Between the headers and bindings/julia/src/declarations.jl."""
    text = (root / "bindings/julia/src/raw/declarations.jl").read_text(encoding="utf-8")
    expected = {name: Function(julia_type(f.result), tuple(map(julia_type, f.types))) for name, f in functions(root).items()}
    constants = {name: int(value) for name, value in re.findall(r"^const (DMOE_\w+) = Int32\((-?\d+)\)$", text, flags=re.MULTILINE)}
    return differences(expected, julia_functions(text)) + differences(numbers(root), constants)


def callbacks(root: pathlib.Path) -> Dict[str, Function]:
    """The types of callbacks by name."""
    found = re.findall(r"typedef (\w+) \(\*(dmoe_\w+_callback)\)\(([^)]*)\);", _without_comments(root))
    return {name: Function(result, tuple(_type_of(p) for p in parameters.split(","))) for result, name, parameters in found}
