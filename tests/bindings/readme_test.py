"""The README's programs in C and C++ compile without a warning, link and find the library; those of the other languages are run
by the tests of their bindings. Arguments: the source tree, a C and a C++ compiler, the library's folder, a folder to write to."""

import os
import pathlib
import re
import subprocess
import sys

root, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[5])
readme = (root / "README.md").read_text(encoding="utf-8")
folder.mkdir(parents=True, exist_ok=True)
for name, language, options in (("c", sys.argv[2], ["-std=c99"]), ("cpp", sys.argv[3], ["-std=c++17"])):
    programs = re.findall(rf"```{name}\n(.*?)```", readme, flags=re.DOTALL)
    assert len(programs) == 1, f"the README has {len(programs)} programs in {name}"
    source, program = folder / f"readme.{name}", folder / f"readme_{name}"
    source.write_text(programs[0], encoding="utf-8")
    subprocess.run([language, *options, "-Wall", "-Wextra", "-Werror", "-I", root / "capi", "-I", root / "include", source, "-o", program,
                    "-L", sys.argv[4], "-ldeepmoe", f"-Wl,-rpath,{sys.argv[4]}"], check=True)
    needed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    assert "not found" not in needed, needed
    assert os.access(program, os.X_OK)
