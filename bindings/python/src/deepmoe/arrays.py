"""Arrays across the border, without a copy: NumPy's and those of anything that speaks DLPack."""

import atexit
import ctypes
import functools
import itertools
import time
import weakref
from typing import Any, Dict, Tuple

import numpy

from .library import ffi, lib

_LAYOUTS = {"nchw": lib.DMOE_LAYOUT_NCHW, "nhwc": lib.DMOE_LAYOUT_NHWC}
_CODES = {"i": 0, "u": 1, "f": 2, "b": 6}


def layout_number(layout: str) -> int:
    """DMOE_LAYOUT_* of "nchw" or "nhwc"."""
    if layout not in _LAYOUTS:
        raise ValueError(f"layout is {layout!r}, must be 'nchw' or 'nhwc'")
    return _LAYOUTS[layout]


@functools.lru_cache(maxsize=None)
def _name(dtype: numpy.dtype) -> str:
    """Such as "float32", or ">f4" where the order of bytes is not the machine's. NumPy takes a microsecond for it."""
    return dtype.name if dtype.isnative else dtype.str


def host_array(values: Any, what: str, dtypes: Tuple[str, ...], rank: int) -> numpy.ndarray:
    """The same memory as a NumPy array of one of the types and with this many dimensions; never a copy."""
    array = values if isinstance(values, numpy.ndarray) else numpy.from_dlpack(values)
    if _name(array.dtype) not in dtypes:
        raise TypeError(f"{what} are {array.dtype}, must be {' or '.join(dtypes)}; .astype() makes a copy that is")
    if array.ndim != rank:
        raise ValueError(f"{what} have shape {array.shape}, must have {rank} dimensions")
    if not array.flags.c_contiguous:
        raise ValueError(f"{what} are not contiguous; numpy.ascontiguousarray() makes a copy that is")
    return array


def image_array(images: Any, dtypes: Tuple[str, ...] = ("float32",)) -> numpy.ndarray:
    """Images (N, 3, H, W), which must be of one of the types."""
    array = host_array(images, "images", dtypes, 4)
    if array.dtype == numpy.float32 and array.shape[1] != 3:
        raise ValueError(f"images have shape {array.shape}, must be (N, 3, height, width)")
    return array


def label_array(labels: Any, count: int) -> numpy.ndarray:
    """int64 labels, one for each image."""
    array = host_array(labels, "labels", ("int64",), 1)
    if len(array) != count:
        raise ValueError(f"there are {len(array)} labels for {count} images")
    return array


def output_array(out: Any, shape: Tuple[int, ...]) -> numpy.ndarray:
    """The array that results go to: the caller's, or a new one."""
    if out is None:
        return numpy.empty(shape, numpy.float32)
    array = host_array(out, "out", ("float32",), len(shape))
    if array.shape != shape or not array.flags.writeable:
        raise ValueError(f"out has shape {array.shape}, must have {shape} and be writable")
    return array


def address(array: numpy.ndarray, kind: str) -> Any:
    """Where the array's elements are, as a C pointer of this kind."""
    return ffi.cast(kind, ffi.from_buffer(array))


# ---- What is lent to the library until it calls back -------------------------------------------------------------

_lent: Dict[int, Any] = {}
_numbers = itertools.count(1)


def lend(keep: Any) -> int:
    """Keeps something alive under a number until take_back."""
    number = next(_numbers)
    _lent[number] = keep
    return number


def take_back(number: int) -> None:
    """Lets go of what was lent; from any thread."""
    _lent.pop(number, None)


def lent_count() -> int:
    """How many arrays the library has at the moment."""
    return len(_lent)


#: Data sets of arrays; the library's threads may call release_lent some time after such a set was closed.
borrowers: Any = weakref.WeakSet()


@atexit.register
def _await_release() -> None:
    """A thread that called into an interpreter that has ended would take the process with it."""
    for borrower in list(borrowers):
        borrower.close()
    end = time.monotonic() + 5
    while any(isinstance(keep, LentImages) for keep in list(_lent.values())) and time.monotonic() < end:
        time.sleep(0.001)


class LentImages(tuple):
    """What a data set reads."""


@ffi.callback("dmoe_release_callback", error=0)
def release_lent(user_data: Any) -> int:
    """For a data set of the host's arrays."""
    take_back(int(ffi.cast("intptr_t", user_data)))
    return 0


@ffi.callback("void(struct DLManagedTensor*)")
def _delete_lent(managed: Any) -> None:
    take_back(int(ffi.cast("intptr_t", managed.manager_ctx)))


# ---- DLPack in ----------------------------------------------------------------------------------------------------

_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = (ctypes.py_object, ctypes.c_char_p)


class Borrowed:
    """A DLManagedTensor of an array for the time of one call."""

    def __init__(self, values: Any) -> None:
        if isinstance(values, numpy.ndarray):
            self.pointer, self._keep = _managed(values)
        else:
            self._keep = values.__dlpack__()
            self.pointer = ffi.cast("struct DLManagedTensor*", _capsule_pointer(self._keep, b"dltensor"))


def _managed(array: numpy.ndarray) -> Tuple[Any, Any]:
    if array.dtype.kind not in _CODES or not array.dtype.isnative:
        raise TypeError(f"an array of {array.dtype} cannot cross to the library")
    if not array.flags.c_contiguous:
        raise ValueError("the array is not contiguous; numpy.ascontiguousarray() makes a copy that is")
    shape = ffi.new("int64_t[]", list(array.shape) or [0])
    managed = ffi.new("struct DLManagedTensor*")
    tensor = managed.dl_tensor
    tensor.data = address(array, "void*")
    tensor.device.device_type = 1
    tensor.ndim = array.ndim
    tensor.dtype.code = _CODES[array.dtype.kind]
    tensor.dtype.bits = array.dtype.itemsize * 8
    tensor.dtype.lanes = 1
    tensor.shape = shape
    return managed, (array, shape, managed)


def lent_tensor(values: Any) -> Tuple[Any, int]:
    """A DLManagedTensor that the library takes over, and the number to take it back with if it does not."""
    managed, keep = _managed(values if isinstance(values, numpy.ndarray) else numpy.from_dlpack(values))
    number = lend(keep)
    managed.manager_ctx = ffi.cast("void*", number)
    managed.deleter = _delete_lent
    return managed, number


# ---- DLPack out ---------------------------------------------------------------------------------------------------

_capsule_new = ctypes.pythonapi.PyCapsule_New
_capsule_new.restype = ctypes.py_object
_capsule_new.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_raw_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_IsValid", ctypes.pythonapi)
)
_raw_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


@ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
def _delete_unused(capsule: int) -> None:
    """Who consumes a capsule renames it and calls the deleter; else it is called here."""
    if _raw_is_valid(capsule, b"dltensor"):
        managed = ffi.cast("struct DLManagedTensor*", _raw_pointer(capsule, b"dltensor"))
        if managed.deleter != ffi.NULL:
            managed.deleter(managed)


def capsule_of(managed: Any) -> Any:
    """The DLPack capsule that owns a DLManagedTensor*."""
    return _capsule_new(int(ffi.cast("intptr_t", managed)), b"dltensor", ctypes.cast(_delete_unused, ctypes.c_void_p))
