"""What the tests share: the cases of all bindings, and their inputs."""

import json
import pathlib
import time
from types import SimpleNamespace

import deepmoe
import numpy
import pytest

SHARED = pathlib.Path(__file__).resolve().parents[3] / "tests" / "bindings"

training = pytest.mark.skipif(not deepmoe.has_training, reason="the library that was found is the runtime library")


def read_cases():
    values = json.loads((SHARED / "cases.json").read_text(encoding="utf-8"))
    batch, side = values["batch"], values["side"]
    index = numpy.arange(batch * 3 * side * side)
    values["network"] = SHARED / "network.safetensors"
    values["images"] = ((index * 37 + 11) % 101 / 50 - 1).astype(numpy.float32).reshape(batch, 3, side, side)
    values["bytes"] = ((index * 37 + 11) % 251).astype(numpy.uint8).reshape(batch, side, side, 3)
    values["labels"] = numpy.arange(batch) % values["num_classes"]
    return SimpleNamespace(**values)


@pytest.fixture(scope="session")
def cases():
    return read_cases()


@pytest.fixture
def close_to(cases):
    def compare(values, expected):
        numpy.testing.assert_allclose(
            numpy.ravel(values), numpy.ravel(expected), rtol=cases.tolerance, atol=cases.tolerance
        )

    return compare


class OnlyDLPack:
    """An array of some other library."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **wishes):
        return self.array.__dlpack__(**wishes)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def lent_is(count):
    """Whether the library's threads give all but so many arrays back within some seconds."""
    end = time.monotonic() + 10
    while deepmoe.arrays.lent_count() != count and time.monotonic() < end:
        time.sleep(0.001)
    return deepmoe.arrays.lent_count() == count
