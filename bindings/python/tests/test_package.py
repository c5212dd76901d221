"""The package itself: what it declares, what it says when there is no library, and its examples."""

import importlib.util
import inspect
import os
import pathlib
import re
import shutil
import subprocess
import sys

import deepmoe
import numpy
import pytest

from conftest import SHARED, training

PACKAGE = pathlib.Path(__file__).resolve().parents[1]


def run(*arguments, **variables):
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE / "src"), **variables}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def loaded_library():
    """The file of the library that this process has."""
    if sys.platform != "linux":
        return os.environ["DEEPMOE_LIBRARY"]
    return next(line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
                if re.search(r"/libdeepmoe(_runtime)?\.so", line))


def test_a_library_that_is_not_there_is_named():
    result = run("-c", "import deepmoe", DEEPMOE_LIBRARY="/nowhere/libdeepmoe.so")
    assert result.returncode != 0
    assert "/nowhere/libdeepmoe.so" in result.stderr and "DEEPMOE_LIBRARY" in result.stderr


def written_functions():
    """The package's own, without those that Python makes for its classes."""
    folder = str(pathlib.Path(deepmoe.__file__).parent)
    for thing in (getattr(deepmoe, name) for name in deepmoe.__all__):
        for member in vars(thing).values() if isinstance(thing, type) else [thing]:
            function = getattr(member, "fget", None) or getattr(member, "__func__", member)
            if inspect.isfunction(function) and function.__code__.co_filename.startswith(folder):
                yield function


def test_everything_has_type_hints():
    functions = list(written_functions())
    assert deepmoe.Engine.run in functions
    for function in functions:
        named = {"return", *inspect.signature(function).parameters} - {"self", "cls"}
        assert named <= function.__annotations__.keys(), function
    assert (pathlib.Path(deepmoe.__file__).parent / "py.typed").exists()


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="there is no pip")
def test_an_installed_package_finds_the_library(tmp_path):
    """By pkg-config, and by DEEPMOE_LIBRARY; without a compiler."""
    library = pathlib.Path(loaded_library())
    shutil.copytree(PACKAGE, tmp_path / "package", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    result = run("-m", "pip", "install", "--quiet", "--no-deps", "--retries", "0", "--disable-pip-version-check", "--target",
                 tmp_path / "site", tmp_path / "package", CC="false")
    if result.returncode != 0 and "No matching distribution found for setuptools" in result.stderr:
        pytest.skip("pip cannot download setuptools, which makes the package")
    assert result.returncode == 0, result.stderr
    name = "deepmoe-runtime" if "runtime" in library.name else "deepmoe"
    (tmp_path / f"{name}.pc").write_text(f"libdir={library.parent}\n\nName: {name}\nDescription: of a test\nVersion: 0\n",
                                         encoding="utf-8")
    found_by = [{"DEEPMOE_LIBRARY": str(library)}]
    if shutil.which("pkg-config"):
        found_by.append({"DEEPMOE_LIBRARY": "", "PKG_CONFIG_PATH": str(tmp_path), "PKG_CONFIG_LIBDIR": str(tmp_path)})
    for variables in found_by:
        result = run("-c", "import deepmoe; print(deepmoe.__file__, deepmoe.has_training)", **variables,
                     PYTHONPATH=str(tmp_path / "site"))
        assert result.stdout.split() == [str(tmp_path / "site/deepmoe/__init__.py"), str(deepmoe.has_training)], result.stderr


@training
def test_a_program_may_end_with_everything_open(cases):
    program = """
import sys, deepmoe, numpy
model = deepmoe.Model.load(sys.argv[1])
images = deepmoe.Dataset(numpy.zeros((8, 3, 32, 32), numpy.float32), numpy.arange(8) % 3, 3)
for _ in range(3):
    model.evaluate(images)
print("end")
"""
    result = run("-c", program, cases.network)
    assert (result.returncode, result.stdout) == (0, "end\n"), result.stderr


@training
def test_the_example_trains_and_saves(tmp_path):
    result = run(PACKAGE / "examples" / "train.py", tmp_path / "network.safetensors")
    assert result.returncode == 0, result.stderr
    assert int(result.stdout.splitlines()[-1].split()[0]) >= 28
    assert deepmoe.Engine(tmp_path / "network.safetensors").num_classes == 4
    assert len((PACKAGE / "examples" / "train.py").read_text(encoding="utf-8").splitlines()) < 40


def test_the_example_classifies_with_the_runtime_alone(tmp_path, cases, close_to):
    library = os.environ.get("DEEPMOE_RUNTIME_LIBRARY") or os.environ.get("DEEPMOE_LIBRARY", "")
    numpy.save(tmp_path / "image.npy", cases.bytes[0])
    result = run(PACKAGE / "examples" / "classify.py", cases.network, tmp_path / "image.npy",
                 **({"DEEPMOE_LIBRARY": library} if library else {}))
    assert result.returncode == 0, result.stderr
    logits = cases.engine["bytes_nhwc"]["logits"][: cases.num_classes]
    name, logit, macs = re.fullmatch(r"(\d+): logit (\S+), (\S+) million MACs\n", result.stdout).groups()
    assert int(name) == numpy.argmax(logits) and float(macs) > 0
    close_to(float(logit), max(logits))


RECORDED = """
import json, sys, deepmoe, numpy
sys.path.insert(0, sys.argv[1])
import conftest
cases = conftest.read_cases()

def expect(function, images, results=None):
    print(function, images.ctypes.data, 0 if results is None else results.ctypes.data)

logits = numpy.empty((cases.batch, cases.num_classes), numpy.float32)
engine = deepmoe.Engine(cases.network)
engine.run(cases.images, out=logits)
expect("dmoe_engine_run", cases.images, logits)
engine.run(cases.bytes, layout="nhwc", out=logits)
expect("dmoe_engine_run_u8", cases.bytes, logits)
engine.run(conftest.OnlyDLPack(cases.images), out=logits)
expect("dmoe_engine_run", cases.images, logits)
outputs = engine.run_outputs(cases.images)
expect("dmoe_engine_run_outputs", cases.images)
expect("dmoe_engine_run_outputs", cases.images, outputs.logits)
if deepmoe.has_training:
    options = deepmoe.Options()
    options.update(cases.training["options"])
    model = deepmoe.Model.load(cases.network, options)
    trainer = deepmoe.Trainer(model, options)
    trainer.step(cases.images, cases.labels)
    expect("dmoe_trainer_step_f32", cases.images, cases.labels)
    pixels = numpy.ascontiguousarray(cases.bytes.transpose(0, 3, 1, 2))
    trainer.step(pixels, cases.labels)
    expect("dmoe_trainer_step", pixels, cases.labels)
    model.logits(cases.images, out=logits)
    expect("dmoe_model_forward_f32", cases.images, logits)
    model.forward(pixels)
    expect("dmoe_model_forward", pixels)
    deepmoe.Dataset(cases.images, cases.labels, cases.num_classes).close()
    expect("dmoe_dataset_create_f32", cases.images)
    deepmoe.Dataset(cases.bytes, cases.labels, cases.num_classes, layout="nhwc").close()
    expect("dmoe_dataset_create_u8", cases.bytes)
    trainer.step(conftest.OnlyDLPack(pixels), conftest.OnlyDLPack(cases.labels))
    expect("dmoe_trainer_step", pixels, cases.labels)
    model.forward(conftest.OnlyDLPack(cases.images))
    expect("dmoe_model_forward", cases.images)
"""


@pytest.mark.skipif(shutil.which("cc") is None or sys.platform != "linux", reason="there is no C compiler, or no Linux")
def test_nothing_is_copied(tmp_path):
    """The library is given the addresses at which the arrays are: one that records them stands before it."""
    library = loaded_library()
    recorder, record = tmp_path / "recorder.so", tmp_path / "record"
    subprocess.run(["cc", "-shared", "-fPIC", "-I", SHARED.parents[1] / "capi", SHARED / "record_addresses.c", "-o", recorder,
                    "-Wl,--no-as-needed", library, f"-Wl,-rpath,{pathlib.Path(library).parent}"], check=True)
    result = run("-c", RECORDED, PACKAGE / "tests", DEEPMOE_LIBRARY=str(recorder), DEEPMOE_RECORD=str(record))
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) >= 2 and result.stdout == record.read_text(encoding="ascii")


@training
def test_the_program_of_the_readme(tmp_path):
    readme = (SHARED.parents[1] / "README.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", readme, flags=re.DOTALL)[1]
    arrays = "import numpy\nimages, labels = numpy.zeros((32, 3, 32, 32), numpy.float32), numpy.arange(32) % 10\n"
    small = program.replace("width=0.25, epochs=3", "width=0.125, epochs=1")
    assert small != program
    result = run("-c", f"import os\nos.chdir({str(tmp_path)!r})\n{arrays}{small}")
    assert result.returncode == 0, result.stderr
