"""The comment of each function in the C headers ends with the version since which it is there: "Since 0.1.0."

Arguments: the folder of the headers, the project's version.
"""

import pathlib
import re
import sys

DECLARATION = re.compile(r"(?P<above>[^\n]*\n)DMOE_API [^;]*?(?P<name>dmoe_\w+)\(")
SINCE = re.compile(r"(?:^| )Since (\d+)\.(\d+)\.(\d+)\. \*/$")


def numbers(version: str) -> tuple:
    """A version as something to compare."""
    return tuple(int(number) for number in version.split("."))


def complaints(header: str, version: str) -> list:
    """What is wrong, for each function that something is wrong with."""
    found = []
    for declaration in DECLARATION.finditer(header):
        since = SINCE.search(declaration["above"].rstrip("\n"))
        if not since:
            found.append(f"the comment above {declaration['name']} does not end with \"Since {version}.\"")
        elif tuple(map(int, since.groups())) > numbers(version):
            found.append(f"{declaration['name']} is there since {'.'.join(since.groups())}, and this is {version}")
    return found


def test_itself() -> None:
    """What it must find, and what it must leave alone."""
    function = "DMOE_API int32_t dmoe_it(int32_t number,\n                         int32_t other);\n"
    for above, expected in (("/* Does it. Since 0.1.0. */\n", 0), ("/* Does\n * it. Since 0.2.0. */\n", 0),
                            ("/* Since 0.1.0. */\n", 0), ("/* Does it. */\n", 1), ("\n", 1), ("/* Since 0.3.0. */\n", 1),
                            ("/* Since 0.1.0. Does it. */\n", 1), ("/* Since 0.1.0. */\n\n", 1),
                            ("/* Since 0.1.0. */\nDMOE_API void dmoe_first(void);\n", 1)):
        assert len(complaints(above + function, "0.2.0")) == expected, above


def main(folder: pathlib.Path, version: str) -> int:
    """The number of complaints."""
    test_itself()
    found = []
    functions = 0
    for header in sorted(folder.glob("*.h")):
        text = header.read_text(encoding="utf-8")
        functions += len(DECLARATION.findall(text))
        assert len(DECLARATION.findall(text)) == len(re.findall(r"^DMOE_API ", text, flags=re.MULTILINE)), header
        found += [f"{header.name}: {complaint}" for complaint in complaints(text, version)]
    print("\n".join(found) or f"{functions} functions say since when they are there.")
    return len(found) if functions else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2]))
