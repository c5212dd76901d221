"""Exceptions: one for each of the library's codes, with the library's words."""

from typing import Dict, Type


class DeepMoEError(Exception):
    """A failed call. `code` is a DMOE_ERROR_*, or the non-zero value that a callback returned; `status` its name."""

    def __init__(self, message: str, code: int = 0, status: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class InvalidArgumentError(DeepMoEError, ValueError):
    """A value, name, shape or combination that the caller can correct."""


class NotFoundError(DeepMoEError, LookupError):
    """A file, folder, tensor or name that does not exist."""


class InputOutputError(DeepMoEError):
    """The operating system refused to read or write."""


class FormatError(DeepMoEError, ValueError):
    """A file or text that is not what it must be."""


class UnsupportedError(DeepMoEError, NotImplementedError):
    """A valid wish that this version or this machine cannot fulfil."""


class OutOfMemoryError(DeepMoEError, MemoryError):
    """There is not enough memory."""


class CancelledError(DeepMoEError):
    """The call was cancelled."""


class NumericError(DeepMoEError, ArithmeticError):
    """A loss or tensor became NaN or infinite."""


class StateError(DeepMoEError):
    """The call is not allowed in the object's present state."""


class InternalError(DeepMoEError):
    """A defect of the library."""


class StoppedError(DeepMoEError):
    """A callback returned a value other than 0, which is `code`."""


_BY_CODE: Dict[int, Type[DeepMoEError]] = {
    1: InvalidArgumentError,
    2: NotFoundError,
    3: InputOutputError,
    4: FormatError,
    5: UnsupportedError,
    6: OutOfMemoryError,
    7: CancelledError,
    8: NumericError,
    9: StateError,
    10: InternalError,
}


def error_of(code: int, status: str, message: str) -> DeepMoEError:
    """The exception for a status."""
    return _BY_CODE.get(code, StoppedError)(message, code, status)
