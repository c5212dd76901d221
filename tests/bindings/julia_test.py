"""Checks the Julia package where there is no Julia: its declarations, and the calls that it makes, against the C headers.

Arguments: the root of the source tree; "syntax" to check the syntax of every file instead, which needs tree_sitter_julia."""

import importlib.util
import pathlib
import re
import sys

import c_headers

ROOT = pathlib.Path(sys.argv[1])
PACKAGE = ROOT / "bindings" / "julia"
# What these append to the arguments that they are given (calls.jl).
APPENDED = {"check": 1, "text": 2, "made": 2}
DLPACK = ["Ptr{Cvoid}", "Int32", "Int32", "Int32", "UInt8", "UInt8", "UInt16", "Ptr{Int64}", "Ptr{Int64}", "UInt64",
          "Ptr{Cvoid}", "Ptr{Cvoid}"]


def code_of(path):
    """A file without comments and the insides of its strings."""
    text = re.sub(r"'(?:[^'\\\n]|\\.)'", "0", path.read_text(encoding="utf-8"))
    text = re.sub(r'"""(?:[^"\\]|\\.|"(?!""))*"""', '""', text)
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)
    return re.sub(r"#.*", "", text)


def inside(text, start):
    """What is between the bracket at `start` and its partner."""
    depth = 0
    for end in range(start, len(text)):
        depth += (text[end] in "([{") - (text[end] in ")]}")
        if depth == 0:
            return text[start + 1 : end]
    raise AssertionError(f"a bracket is not closed: {text[start:start + 60]!r}")


def calls(text):
    """(function, number of arguments) of each call of a C function."""
    for match in re.finditer(r"\b(dmoe_\w+)\(", text):
        yield match[1], len(c_headers._split(inside(text, match.end() - 1)))
    for match in re.finditer(r"\b(check|text|made)\(", text):
        arguments = c_headers._split(inside(text, match.end() - 1).split(";")[0])
        given = arguments[1:] if match[1] == "made" else arguments
        if given and given[0].startswith("dmoe_"):
            yield given[0], len(given) - 1 + APPENDED[match[1]]


def wrong_calls(functions, sources):
    result, used = [], set()
    for path, text in sources.items():
        for name, count in calls(text):
            used.add(name)
            if name not in functions:
                result.append(f"{path.name}: {name} is not in the headers")
            elif count != len(functions[name].types):
                result.append(f"{path.name}: {name} is called with {count} arguments, takes {len(functions[name].types)}")
    used |= set(re.findall(r"= (dmoe_\w+_release)\b", "".join(sources.values())))
    return result + [f"no file calls {name}" for name in functions if name not in used]


def wrong_callbacks(sources):
    """@cfunction's types against those of the headers."""
    types = c_headers.callbacks(ROOT)
    expected = {"receive_event": types["dmoe_event_callback"], "receive_log": types["dmoe_log_callback"],
                "images_released": types["dmoe_release_callback"],
                "tensor_deleted": c_headers.Function("void", ("DLManagedTensor*",))}
    text = "".join(sources.values())
    found = re.findall(r"@cfunction\((\w+), (\w+), \(([^)]*)\)\)", text)
    result = [f"{name} is not given to C" for name in expected if name not in [function for function, _, _ in found]]
    for name, answer, parameters in found:
        wanted = [c_headers.julia_type(expected[name].result), *map(c_headers.julia_type, expected[name].types)]
        given = [answer, *[part.strip() for part in parameters.split(",") if part.strip()]]
        if given != wanted:
            result.append(f"{name} is given to C as {given}, must be {wanted}")
        head = re.search(rf"function {name}\(([^)]*)\)::(\w+)", text)
        if not head or [head[2], *[part.split("::")[1].strip() for part in head[1].split(",")]] != wanted:
            result.append(f"{name} does not have the types {wanted}")
    return result


def old_declarations():
    specification = importlib.util.spec_from_file_location("make_declarations", PACKAGE / "make_declarations.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return [] if module.TARGET.read_text(encoding="utf-8") == module.text() else ["run bindings/julia/make_declarations.py"]


def unbalanced(sources):
    """Brackets, and blocks that end."""
    result = []
    for path, text in sources.items():
        depth = 0
        for character in text:
            depth += (character in "([{") - (character in ")]}")
            assert depth >= 0, f"{path}: a bracket too many"
        if depth:
            result.append(f"{path.name}: {depth} brackets are not closed")
    return result


def syntax_errors(paths):
    import tree_sitter
    import tree_sitter_julia

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_julia.language()))
    result = []
    program = re.search(r"```julia\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)[1]
    texts = {path.name: path.read_bytes() for path in paths}
    for name, text in {**texts, "README.md": program.encode()}.items():
        places = [parser.parse(text).root_node]
        while places:
            node = places.pop()
            if node.type == "ERROR" or node.is_missing:
                result.append(f"{name}:{node.start_point[0] + 1}: {node.text.decode()[:60]!r}")
            elif node.has_error:
                places += node.children
    return result


def unknown_exports(sources):
    """Names that the module exports and no file defines."""
    text = "".join(sources.values())
    names = ",".join(re.findall(r"^export ((?:[^\n]+,\n)*[^\n]+)$", sources[PACKAGE / "src/DeepMoE.jl"], flags=re.MULTILINE))
    exported = [name.strip() for name in names.split(",")]
    assert len(exported) > 30
    return [name for name in exported
            if not re.search(rf"(?:^|\n)(?:function |struct |mutable struct )?{re.escape(name)}(?:\(|[ \n]<:|\n)", text)]


def main():
    functions = c_headers.functions(ROOT)
    paths = sorted(PACKAGE.glob("**/*.jl"))
    sources = {path: code_of(path) for path in paths if path.parent.name == "src"}
    struct = re.search(r"struct DLManagedTensor\n(.*?)\nend", sources[PACKAGE / "src/dlpack.jl"], flags=re.DOTALL)[1]
    checks = {
        "declarations": c_headers.julia_differences(ROOT) + old_declarations(),
        "calls": wrong_calls(functions, sources),
        "callbacks": wrong_callbacks(sources),
        "DLPack's tensor": [] if re.findall(r"::(\S+)", struct) == DLPACK else ["the fields have other types"],
        "exports": unknown_exports(sources),
        "brackets": unbalanced({path: code_of(path) for path in paths}),
    } if sys.argv[2:] != ["syntax"] else {"syntax": syntax_errors(paths)}
    for name, failures in checks.items():
        print(f"{name}: {'; '.join(failures) or 'right'}")
    return 1 if any(checks.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
