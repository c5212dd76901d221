"""DeepMoE networks: train, evaluate, shrink and serve. The library's C headers are the manual; here is what differs:

- Objects release themselves, or at close(), or at the end of a with block.
- A failed call raises a DeepMoEError with the library's words; there is a class for each code.
- JSON is dictionaries; settings are keyword arguments.
- Arrays are NumPy's, or anything with __dlpack__, and are never copied unless a function says so.
"""

from .callbacks import Event, LogLevel, set_log_callback
from .data import Dataset, fetch_dataset
from .engine import Engine, Outputs
from .errors import (
    CancelledError,
    DeepMoEError,
    FormatError,
    InputOutputError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    NumericError,
    OutOfMemoryError,
    StateError,
    StoppedError,
    UnsupportedError,
)
from .library import has_training, lib, text
from .loader import Loader
from .model import Model, convert_pytorch
from .options import (
    Options,
    architecture,
    architecture_describe,
    architecture_names,
    architecture_text,
)
from .plugin import Plugin
from .report import Report
from .tensors import Tensor, Tensors
from .trainer import Position, ProcessPlace, Trainer, diagnose, process_place

__version__: str = text(lib.dmoe_version())


def live_objects(kind: int = 0) -> int:
    """How many objects of a kind (DMOE_KIND_*; 0: all) exist in this process."""
    return lib.dmoe_live_objects(kind)


__all__ = [name for name in dir() if not name.startswith("_") and name not in ("lib", "text")]
