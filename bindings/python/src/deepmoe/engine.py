"""Engines: a trained network compiled for inference, which does no work for inactive experts."""

import json
from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

import numpy

from .arrays import address, host_array, image_array, layout_number, output_array
from .callbacks import EventCallback, Receiver
from .data import Dataset
from .library import Handle, call, check, encoded, ffi, lib, made, pointer_or_null, string
from .options import Options
from .options import settings as settings_json


@dataclass
class Outputs:
    """Everything that a run gives; of a dense network the logits alone."""

    logits: numpy.ndarray
    embedding: numpy.ndarray
    embedding_logits: numpy.ndarray
    gates: numpy.ndarray
    active_macs: int


class Engine(Handle):
    """Engine("network.safetensors", threads=2). Any number of threads may run one at the same time.

    Keyword arguments are the settings of dmoe_engine_create: image_size, threads, precision, skip, profile."""

    _kind = "dmoe_engine"

    def __init__(self, path: Any, *, pointer: Any = None, **settings: Any) -> None:
        if pointer is None:
            pointer = made("dmoe_engine", lib.dmoe_engine_create, encoded(path), settings_json(settings))
        super().__init__(pointer)
        description = self.describe()
        self.num_classes: int = description["num_classes"]
        self.image_size: int = description["image_size"]

    def describe(self) -> Dict[str, Any]:
        """The network, its steps and what they cost."""
        return json.loads(string(lib.dmoe_engine_describe, self.pointer))

    def run(self, images: Any, layout: str = "nchw", out: Optional[numpy.ndarray] = None) -> numpy.ndarray:
        """Logits (N, num_classes) of images (N, 3, H, W): float32 that are normalised, or uint8, which may also be
        (N, H, W, 3) with layout "nhwc". They are read where they are, and written to `out` where it is given."""
        return self.measured(images, layout, out)[0]

    def measured(
        self, images: Any, layout: str = "nchw", out: Optional[numpy.ndarray] = None
    ) -> Tuple[numpy.ndarray, int]:
        """The same, and the multiply-accumulates that this call did."""
        array = host_array(images, "images", ("float32", "uint8"), 4)
        number = layout_number(layout)
        count, height, width = (array.shape[i] for i in ((0, 2, 3) if layout == "nchw" else (0, 1, 2)))
        if array.size != count * 3 * height * width or (layout == "nhwc" and array.dtype == numpy.float32):
            raise ValueError(f"images are {array.dtype} {array.shape}, must have 3 channels; nhwc is for uint8")
        logits = output_array(out, (count, self.num_classes))
        macs = ffi.new("int64_t*")
        rest = (address(logits, "float*"), logits.size, ffi.NULL, macs)
        if array.dtype == numpy.uint8:
            pixels = address(array, "uint8_t*")
            call(lib.dmoe_engine_run_u8, self.pointer, pixels, count, height, width, number, *rest)
        else:
            call(lib.dmoe_engine_run, self.pointer, address(array, "float*"), count, height, width, *rest)
        return logits, macs[0]

    def run_outputs(self, images: Any, given_gates: Optional[numpy.ndarray] = None) -> Outputs:
        """Logits, embedding and gates of float32 images; `given_gates` (N, experts) take the place of those that the
        network computes."""
        array = image_array(images)
        count, _, height, width = array.shape
        needed = ffi.new("int64_t[4]", [-1, 0, 0, 0])
        image = (self.pointer, address(array, "float*"), count, height, width)
        nothing = (ffi.NULL, 0) * 4
        error = ffi.new("dmoe_error**")
        status = lib.dmoe_engine_run_outputs(*image, ffi.NULL, *nothing, needed, ffi.NULL, error)
        if needed[0] < 0:
            check(status, error)
        lib.dmoe_error_release(error[0])
        buffers = [numpy.empty((count, size // count if count else 0), numpy.float32) for size in needed]
        gates = ffi.NULL
        if given_gates is not None:
            given = host_array(given_gates, "given_gates", ("float32",), 2)
            if given.shape != buffers[3].shape:
                raise ValueError(f"given_gates have shape {given.shape}, must have {buffers[3].shape}")
            gates = address(given, "float*")
        macs = ffi.new("int64_t*")
        places = [x for b in buffers for x in (address(b, "float*") if b.size else ffi.NULL, b.size)]
        call(lib.dmoe_engine_run_outputs, *image, gates, *places, ffi.NULL, macs)
        return Outputs(*buffers, active_macs=macs[0])

    def evaluate(self, dataset: Dataset, options: Optional[Options] = None,
                 callback: Optional[EventCallback] = None) -> Dict[str, Any]:
        """The figures of Model.evaluate, computed by the engine; the options are the defaults where none are given."""
        receiver = Receiver(callback)
        return json.loads(receiver.during(lambda: string(
            lib.dmoe_engine_evaluate, self.pointer, dataset.pointer, pointer_or_null(options), receiver.function,
            ffi.NULL)))
