"""Reports: what the experts of a gated network do on a data set."""

import json
from typing import Any, Dict, List, Optional, Union

import numpy

from .arrays import address
from .callbacks import EventCallback, Receiver
from .data import Dataset
from .engine import Engine
from .library import Handle, call, check, encoded, ffi, lib, made, string, text
from .model import Model
from .options import settings as settings_json
from .trainer import Trainer


class Report(Handle):
    """Report(engine, dataset, threshold=0.1): figures of gates, embedding and predictions; of an engine, of a model as it
    is now, or of the model that a trainer trains, of which it needs none any more. Any number of threads may read one.

    Keyword arguments are the settings of dmoe_report_create: threshold, thresholds, top, embeddings, batch_size,
    num_workers, weights, compact_command; of a model or trainer threads and split, too."""

    _kind = "dmoe_report"

    def __init__(self, subject: Union[Engine, Model, Trainer], dataset: Dataset,
                 callback: Optional[EventCallback] = None, **settings: Any) -> None:
        if isinstance(subject, Engine):
            create = lib.dmoe_report_create
        elif isinstance(subject, Model):
            create = lib.dmoe_report_create_from_model
        else:
            create = lib.dmoe_report_create_from_trainer
        receiver = Receiver(callback)
        super().__init__(receiver.during(lambda: made(
            "dmoe_report", create, subject.pointer, dataset.pointer, settings_json(settings), receiver.function,
            ffi.NULL)))

    def compared_with(self, reference: "Report") -> "Report":
        """The same report, which also says how the network differs from an earlier state."""
        other = Report.__new__(Report)
        Handle.__init__(other, made("dmoe_report", lib.dmoe_report_compare, self.pointer, reference.pointer))
        return other

    def figures(self) -> Dict[str, Any]:
        """All figures but the matrices; what is not defined is None."""
        return json.loads(string(lib.dmoe_report_json, self.pointer))

    def layers(self) -> List[str]:
        """The names of the gates, in the order of the network."""
        names: List[str] = []
        while True:
            name = lib.dmoe_report_layer(self.pointer, len(names))
            if name == ffi.NULL:
                return names
            names.append(text(name))

    def matrix(self, name: str, layer: Optional[str] = None) -> numpy.ndarray:
        """confusion, class_similarity, embedding; and of a layer utilisation, class_activation, co_activation."""
        gate = ffi.NULL if layer is None else encoded(layer)
        shape = ffi.new("int64_t[2]", [-1, 0])
        error = ffi.new("dmoe_error**")
        status = lib.dmoe_report_matrix(self.pointer, encoded(name), gate, ffi.NULL, 0, shape, error)
        if shape[0] < 0:
            check(status, error)
        lib.dmoe_error_release(error[0])
        values = numpy.empty((shape[0], shape[1]), numpy.float64)
        call(lib.dmoe_report_matrix, self.pointer, encoded(name), gate, address(values, "double*"), values.size,
             ffi.NULL)
        return values

    def write(self, folder: Any) -> None:
        """Writes report.html, report.json and a CSV for each table."""
        call(lib.dmoe_report_write, self.pointer, encoded(folder))
