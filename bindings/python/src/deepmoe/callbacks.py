"""Callbacks: what they raise is carried over the C frames and raised again by the call."""

import enum
import json
import threading
from typing import Any, Callable, Dict, Optional

from .library import call, ffi, lib, text


class Event(enum.IntEnum):
    """What happens in a long call."""

    START = 1
    STEP = 2
    EPOCH = 3
    SAVED = 4
    VALIDATION = 5
    FETCH = 6


_KNOWN = frozenset(Event)

#: Receives an event and its figures; anything but None, 0 and False stops the call, which raises StoppedError.
EventCallback = Callable[[Event, Dict[str, Any]], Optional[int]]

_RAISED = -(2**31)


class Receiver:
    """Lends a callback to one C call."""

    def __init__(self, callback: Optional[EventCallback]) -> None:
        self._callback = callback
        self._raised: Optional[BaseException] = None
        self.function = ffi.NULL
        if callback is not None:
            self.function = ffi.callback("dmoe_event_callback", self._receive)

    def during(self, function: Callable[[], Any]) -> Any:
        """Makes the C call, and raises what the callback raised, if it did."""
        try:
            return function()
        finally:
            if self._raised is not None:
                raise self._raised

    def _receive(self, event: int, data: Any, _user_data: Any) -> int:
        if self._raised is not None:
            return _RAISED
        if event not in _KNOWN:
            return 0  # One that a newer library tells.
        try:
            assert self._callback is not None
            return int(self._callback(Event(event), json.loads(text(data))) or 0)
        except BaseException as error:  # pylint: disable=broad-exception-caught  # It must not reach C.
            self._raised = error
            return _RAISED


class LogLevel(enum.IntEnum):
    """How much a log message matters."""

    ERROR = 0
    WARNING = 1
    INFO = 2
    DEBUG = 3


_log_lock = threading.Lock()
_log_function: Any = ffi.NULL


def set_log_callback(callback: Optional[Callable[[LogLevel, str], Any]]) -> None:
    """Replaces the receiver of the process's log messages; None restores the default, which prints warnings and
    errors. It may be called from any thread. What it raises is printed and dropped, as no call could raise it."""
    global _log_function  # pylint: disable=global-statement  # There is one receiver in a process.
    function = ffi.NULL
    if callback is not None:
        receiver = callback

        def receive(level: int, message: Any, _user_data: Any) -> int:
            receiver(LogLevel(level), text(message))
            return 0

        function = ffi.callback("dmoe_log_callback", receive, error=0)
    with _log_lock:
        call(lib.dmoe_set_log_callback, function, ffi.NULL)
        _log_function = function  # The former one is not called any more.
