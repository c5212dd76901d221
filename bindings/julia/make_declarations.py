"""Writes src/raw/declarations.jl, what the package calls, from the C headers. Run it after a change of the headers."""

import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
HEADERS = HERE.parent.parent / "capi"
TARGET = HERE / "src" / "raw" / "declarations.jl"

NUMBERS = {"int32_t": "Int32", "int64_t": "Int64", "uint8_t": "UInt8", "float": "Float32", "double": "Float64",
           "void": "Cvoid"}
HEAD = """\
# The C functions as they are, made from the headers by make_declarations.py. The headers' comments are the manual.
#
# What calls back lets the collector run meanwhile: the callback may come in another thread, and may allocate.
"""


def julia_type(c_type: str) -> str:
    """A parameter's or a result's type."""
    words = re.sub(r"\bconst\b|\bstruct\b", " ", c_type)
    name, stars = re.fullmatch(r"\s*(\w+)\s*([*\s]*)", words).groups()
    pointers = stars.count("*")
    if name == "char" and pointers == 1:
        return "Cstring"
    if name.endswith("_callback"):
        return "Ptr{Cvoid}"
    return "Ptr{" * pointers + NUMBERS.get(name, name) + "}" * pointers


def parsed(header: str) -> str:
    """A header without comments."""
    return re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)


def function(result: str, name: str, parameters: str) -> str:
    """A method that makes the call."""
    pairs = [re.fullmatch(r"\s*(.*?)(\w+)\s*", p, flags=re.DOTALL).groups() for p in parameters.split(",") if p.strip() != "void"]
    names = [name for _, name in pairs]
    typed = [f"{name}::{julia_type(c_type)}" for c_type, name in pairs]
    head = f"const at_{name} = Entry(:{name})\n"
    if not any("_callback" in c_type for c_type, _ in pairs) or "release" in names or name == "dmoe_set_log_callback":
        return (head + f"{name}({', '.join(names)}) =\n"
                f"    @ccall $(address(at_{name}))({', '.join(typed)})::{julia_type(result)}\n")
    lines = [f"function {name}({', '.join(names)})", f"    entry = address(at_{name})"]
    lines += [f"    kept_{name} = Base.cconvert({julia_type(c_type)}, {name})" for c_type, name in pairs]
    lines += [f"    GC.@preserve {' '.join('kept_' + name for name in names)} begin"]
    lines += [f"        to_{name} = Base.unsafe_convert({julia_type(c_type)}, kept_{name})" for c_type, name in pairs]
    lines += ["        collector = @ccall jl_gc_safe_enter()::Int8",
              f"        status = @ccall $entry({', '.join('to_' + part for part in typed)})::{julia_type(result)}",
              "        @ccall jl_gc_safe_leave(collector::Int8)::Cvoid", "        status", "    end", "end"]
    return head + "\n".join(lines) + "\n"


def text() -> str:
    """The whole file."""
    headers = "".join(parsed((HEADERS / name).read_text(encoding="utf-8")) for name in ("deepmoe_runtime.h", "deepmoe.h"))
    numbers = re.findall(r"^#define (DMOE_\w+) +(-?\d+)\s*$", headers, flags=re.MULTILINE)
    types = re.findall(r"typedef struct (dmoe_\w+) dmoe_\w+;", headers)
    functions = re.findall(r"DMOE_API\s+([\w\s*]+?)\b(dmoe_\w+)\(([^)]*)\)\s*;", headers)
    return "\n".join([HEAD, *(f"const {name} = Int32({value})" for name, value in numbers), "",
                      *(f"struct {name} end" for name in types), "", *(function(*parts) for parts in functions)])


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
