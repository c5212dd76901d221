"""Finds the shared library and makes calls: what every other file of the package uses."""

import os
import pathlib
import shutil
import subprocess
import sys
from typing import Any, Iterator, List

import cffi

from .errors import error_of

ffi = cffi.FFI()
ffi.cdef((pathlib.Path(__file__).parent / "declarations.h").read_text(encoding="utf-8"))

_SUFFIX = ".dylib" if sys.platform == "darwin" else ".so"


def _candidates() -> Iterator[str]:
    named = os.environ.get("DEEPMOE_LIBRARY")
    if named:
        yield named
        return
    for package, library in (("deepmoe", "libdeepmoe"), ("deepmoe-runtime", "libdeepmoe_runtime")):
        folder = _folder_of(package)
        if folder:
            yield os.path.join(folder, library + _SUFFIX)
        yield library + _SUFFIX


def _folder_of(package: str) -> str:
    if shutil.which("pkg-config") is None:
        return ""
    command = ["pkg-config", "--variable=libdir", package]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _open() -> Any:
    reasons: List[str] = []
    for path in _candidates():
        try:
            return ffi.dlopen(path, ffi.RTLD_NOW | ffi.RTLD_LOCAL)
        except OSError as error:
            reasons.append(str(error))
    raise ImportError(
        "libdeepmoe cannot be loaded. Set DEEPMOE_LIBRARY to the file libdeepmoe" + _SUFFIX + " (or libdeepmoe_runtime"
        + _SUFFIX + "), or PKG_CONFIG_PATH to the folder of deepmoe.pc. Tried: " + "; ".join(reasons)
    )


lib = _open()
if lib.dmoe_abi_version() != lib.DMOE_ABI_VERSION:
    raise ImportError(
        f"this package was made for version {lib.DMOE_ABI_VERSION} of the library's interface, "
        f"and the library that was found has {lib.dmoe_abi_version()}"
    )

#: Whether the library that was found trains; libdeepmoe_runtime serves networks only.
has_training: bool = hasattr(lib, "dmoe_model_create")


def text(pointer: Any) -> str:
    """A const char* that the library keeps."""
    return ffi.string(pointer).decode("utf-8")


def encoded(value: Any) -> bytes:
    """A string or a path as the library takes it."""
    return os.fspath(value).encode("utf-8")


def check(status: int, error: Any) -> None:
    """Raises what a status other than DMOE_OK means; `error` is a dmoe_error**."""
    if status == lib.DMOE_OK:
        return
    message = text(lib.dmoe_status_name(status))
    if error[0] != ffi.NULL:
        status = lib.dmoe_error_code(error[0])
        message = text(lib.dmoe_error_message(error[0]))
        lib.dmoe_error_release(error[0])
    raise error_of(status, text(lib.dmoe_status_name(status)), message)


def call(function: Any, *arguments: Any) -> None:
    """Calls a function that takes an error at the end."""
    error = ffi.new("dmoe_error**")
    check(function(*arguments, error), error)


def made(kind: str, function: Any, *arguments: Any) -> Any:
    """Calls a function that gives an object before the error."""
    result = ffi.new(kind + "**")
    call(function, *arguments, result)
    return result[0]


def taken(string: Any) -> str:
    """The text of a dmoe_string, which is released."""
    try:
        return ffi.buffer(lib.dmoe_string_data(string), lib.dmoe_string_size(string))[:].decode("utf-8")
    finally:
        lib.dmoe_string_release(string)


def string(function: Any, *arguments: Any) -> str:
    """Calls a function that gives a dmoe_string before the error."""
    return taken(made("dmoe_string", function, *arguments))


class Handle:
    """Owns an object of the library: released by close(), at the end of a with block, or when it is collected."""

    _kind = ""

    def __init__(self, pointer: Any) -> None:
        self._pointer = ffi.gc(pointer, getattr(lib, self._kind + "_release"))

    @property
    def pointer(self) -> Any:
        """For calling the library directly; it stays owned here."""
        if self._pointer is None:
            raise ValueError(f"this {type(self).__name__} is closed")
        return self._pointer

    def close(self) -> None:
        """Releases the object now; once more does nothing. No call with it may be under way."""
        pointer, self._pointer = self._pointer, None
        if pointer is not None:
            ffi.release(pointer)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()


def pointer_or_null(handle: Any) -> Any:
    """Of an optional argument."""
    return ffi.NULL if handle is None else handle.pointer
