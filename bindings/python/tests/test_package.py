"""The package itself: what it declares, what it says when there is no library, and its examples."""

import os
import pathlib
import subprocess
import sys

import deepmoe
import numpy

from conftest import training

PACKAGE = pathlib.Path(__file__).resolve().parents[1]


def run(*arguments, **variables):
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE / "src"), **variables}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_library_that_is_not_there_is_named():
    result = run("-c", "import deepmoe", DEEPMOE_LIBRARY="/nowhere/libdeepmoe.so")
    assert result.returncode != 0
    assert "/nowhere/libdeepmoe.so" in result.stderr and "DEEPMOE_LIBRARY" in result.stderr


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


def test_the_example_classifies_with_the_runtime_alone(tmp_path, cases):
    library = os.environ.get("DEEPMOE_RUNTIME_LIBRARY") or os.environ.get("DEEPMOE_LIBRARY", "")
    numpy.save(tmp_path / "image.npy", cases.bytes[0])
    result = run(PACKAGE / "examples" / "classify.py", cases.network, tmp_path / "image.npy",
                 **({"DEEPMOE_LIBRARY": library} if library else {}))
    assert result.returncode == 0, result.stderr
    assert "million MACs" in result.stdout
