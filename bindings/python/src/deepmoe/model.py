"""Models: networks with weights, trainable over LibTorch."""

import json
from typing import Any, Dict, Optional, Tuple

import numpy

from .arrays import Borrowed, address, image_array, output_array
from .callbacks import EventCallback, Receiver
from .data import Dataset
from .engine import Engine
from .library import Handle, call, encoded, ffi, lib, made, pointer_or_null, string, taken
from .options import Options, settings as settings_json
from .tensors import Tensors


class Model(Handle):
    """A network with random weights; what the options leave open is the data set's."""

    _kind = "dmoe_model"

    def __init__(self, options: Options, dataset: Optional[Dataset] = None) -> None:
        super().__init__(made("dmoe_model", lib.dmoe_model_create, options.pointer, pointer_or_null(dataset)))

    @classmethod
    def _of(cls, pointer: Any) -> "Model":
        model = cls.__new__(cls)
        Handle.__init__(model, pointer)
        return model

    @staticmethod
    def load(path: Any, options: Optional[Options] = None) -> "Model":
        """Reads a safetensors file."""
        return Model._of(made("dmoe_model", lib.dmoe_model_load, encoded(path), pointer_or_null(options)))

    def save(self, path: Any) -> None:
        """Writes weights, architecture, options, normalisation and class names."""
        call(lib.dmoe_model_save, self.pointer, encoded(path))

    def describe(self) -> Dict[str, Any]:
        """Model, device, classes, normalisation, options, architecture and cost."""
        return json.loads(string(lib.dmoe_model_describe, self.pointer))

    def architecture_describe(self) -> Dict[str, Any]:
        """Shapes, parameters and multiply-accumulates of each node."""
        return json.loads(string(lib.dmoe_model_architecture_describe, self.pointer))

    def architecture_text(self) -> str:
        """The same as a table for people."""
        return string(lib.dmoe_model_architecture_text, self.pointer)

    def forward(self, images: Any) -> Tensors:
        """All outputs for images (N, 3, H, W), float32 or uint8, on the model's device or the CPU: an array of NumPy or
        of anything with __dlpack__, read in place."""
        borrowed = Borrowed(images)
        return Tensors(pointer=made("dmoe_tensors", lib.dmoe_model_forward, self.pointer, borrowed.pointer))

    def logits(self, images: Any, out: Optional[numpy.ndarray] = None) -> numpy.ndarray:
        """Logits (N, num_classes) of normalised float32 images in host memory."""
        array = image_array(images)
        count, _, height, width = array.shape
        if out is None:
            out = numpy.empty((count, self.describe()["num_classes"]), numpy.float32)
        out = output_array(out, out.shape)
        call(lib.dmoe_model_forward_f32, self.pointer, address(array, "float*"), count, height, width,
             address(out, "float*"), out.size, ffi.NULL)
        return out

    def read_image(self, path: Any) -> numpy.ndarray:
        """A JPEG or PNG file as the model wants it (1, 3, image_size, image_size)."""
        image = Tensors(pointer=made("dmoe_tensors", lib.dmoe_model_read_image, self.pointer, encoded(path)))
        return image["input"].array()

    def state(self) -> Tensors:
        """The weights, sharing memory with the model."""
        return Tensors(pointer=made("dmoe_tensors", lib.dmoe_model_state, self.pointer))

    def load_state(self, state: Tensors) -> None:
        """Copies weights in by name; every entry must be there."""
        call(lib.dmoe_model_load_state, self.pointer, state.pointer)

    def fold(self) -> "Model":
        """A dense copy for evaluation, batch norms folded."""
        return Model._of(made("dmoe_model", lib.dmoe_model_fold, self.pointer))

    def compile(self, **settings: Any) -> Engine:
        """The model as it is now, for inference; settings as for Engine."""
        pointer = made("dmoe_engine", lib.dmoe_engine_create_from_model, self.pointer, settings_json(settings))
        return Engine("", pointer=pointer)

    def export_onnx(self, path: Any, **settings: Any) -> None:
        """Writes an ONNX model; settings: gates, image_size."""
        call(lib.dmoe_model_export_onnx, self.pointer, encoded(path), settings_json(settings))

    def evaluate(self, dataset: Dataset, options: Optional[Options] = None,
                 callback: Optional[EventCallback] = None) -> Dict[str, Any]:
        """Figures over every image of the data set."""
        receiver = Receiver(callback)
        return json.loads(receiver.during(lambda: string(
            lib.dmoe_model_evaluate, self.pointer, dataset.pointer, pointer_or_null(options),
            receiver.function, ffi.NULL)))

    def compact(self, calibration: Dataset, options: Optional[Options] = None, callback: Optional[EventCallback] = None,
                **settings: Any) -> Tuple["Model", Dict[str, Any]]:
        """A smaller model without the experts that no image uses, and the report; settings: min_utilisation,
        classes."""
        receiver = Receiver(callback)
        smaller, report = ffi.new("dmoe_model**"), ffi.new("dmoe_string**")
        receiver.during(lambda: call(
            lib.dmoe_model_compact, self.pointer, calibration.pointer, settings_json(settings),
            pointer_or_null(options), receiver.function, ffi.NULL, smaller, report))
        return Model._of(smaller[0]), json.loads(taken(report[0]))


def convert_pytorch(path: Any, output: Any, options: Optional[Options] = None, **settings: Any) -> None:
    """The tensors of a file of torch.save as safetensors; settings: mean, deviation."""
    call(lib.dmoe_convert_pytorch, encoded(path), encoded(output), pointer_or_null(options), settings_json(settings))
