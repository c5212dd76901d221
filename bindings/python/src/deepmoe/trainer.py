"""Training: whole runs, and loops of the program's own."""

import json
from typing import Any, Dict, NamedTuple, Optional

import numpy

from .arrays import Borrowed, address, image_array, label_array
from .callbacks import EventCallback, Receiver
from .data import Dataset
from .library import Handle, call, encoded, ffi, lib, made, pointer_or_null, string
from .model import Model
from .options import Options


class Position(NamedTuple):
    """Steps done in all, the epoch that was begun last (-1: none), and the steps done in it."""

    step: int
    epoch: int
    step_in_epoch: int


class ProcessPlace(NamedTuple):
    """Which of the processes that a launcher has started to train together this one is, from 0, and how many they are."""

    rank: int
    size: int


def process_place(options: Options) -> ProcessPlace:
    """The place that the first Trainer of this process will take: 0 of 1 where no launcher is seen."""
    numbers = ffi.new("int64_t[2]")
    call(lib.dmoe_process_place, options.pointer, numbers, numbers + 1)
    return ProcessPlace(*numbers)


class Trainer(Handle):
    """Optimizer, schedule and loss for one model, which it keeps alive."""

    _kind = "dmoe_trainer"

    def __init__(self, model: Model, options: Options) -> None:
        super().__init__(made("dmoe_trainer", lib.dmoe_trainer_create, model.pointer, options.pointer))

    def begin_epoch(self, epoch: int, steps_per_epoch: int) -> None:
        """Tells the schedule where training is, counting from 0."""
        call(lib.dmoe_trainer_begin_epoch, self.pointer, epoch, steps_per_epoch)

    def step(self, images: Any, labels: Any, loss: bool = True) -> Optional[float]:
        """One step on images (N, 3, H, W), float32 normalised or uint8, and int64 labels: arrays of NumPy or of
        anything with __dlpack__, read in place. Reading the loss waits for the device; without `loss` it is not."""
        value = ffi.new("double*") if loss else ffi.NULL
        if isinstance(images, numpy.ndarray) and images.dtype == numpy.float32:
            array = image_array(images)
            count, _, height, width = array.shape
            targets = label_array(labels, count)
            call(lib.dmoe_trainer_step_f32, self.pointer, address(array, "float*"), address(targets, "int64_t*"), count,
                 height, width, value)
        else:
            pair = Borrowed(images), Borrowed(labels)
            call(lib.dmoe_trainer_step, self.pointer, pair[0].pointer, pair[1].pointer, value)
        return value[0] if loss else None

    def metrics(self) -> Dict[str, Any]:
        """Means since the last call."""
        return json.loads(string(lib.dmoe_trainer_metrics, self.pointer))

    def position(self) -> Position:
        """Where the trainer is, for a loop that goes on after load_state."""
        numbers = ffi.new("int64_t[3]")
        call(lib.dmoe_trainer_position, self.pointer, numbers, numbers + 1, numbers + 2)
        return Position(*numbers)

    def save_state(self, path: Any) -> None:
        """Writes all that future steps depend on; an older file is replaced when the new one is complete."""
        call(lib.dmoe_trainer_save_state, self.pointer, encoded(path))

    def load_state(self, path: Any) -> None:
        """Goes on from what save_state or a run wrote. On failure the trainer is as before."""
        call(lib.dmoe_trainer_load_state, self.pointer, encoded(path))

    def use_average(self, averaged: bool) -> None:
        """With option ema: gives the model the averaged weights, or its own back, which it must have for steps."""
        call(lib.dmoe_trainer_use_average, self.pointer, int(averaged))

    def fit(self, train: Dataset, validation: Optional[Dataset] = None,
            callback: Optional[EventCallback] = None) -> Dict[str, Any]:
        """A whole run; its summary. What the callback raises is raised here when the step under way is finished and
        everything is saved."""
        receiver = Receiver(callback)
        return json.loads(receiver.during(lambda: string(
            lib.dmoe_trainer_fit, self.pointer, train.pointer, pointer_or_null(validation),
            receiver.function, ffi.NULL)))


def diagnose() -> Dict[str, Any]:
    """What the library found on this machine."""
    return json.loads(string(lib.dmoe_diagnose))
