"""Options and the architectures that they describe."""

import json
from typing import Any, Dict, List

from .library import Handle, call, encoded, ffi, lib, made, string


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(_as_text(element) for element in value)
    return str(value)


class Options(Handle):
    """Values for the options of the library (docs/options.md): Options(model="resnet18_moe", epochs=2)."""

    _kind = "dmoe_options"

    def __init__(self, **values: Any) -> None:
        super().__init__(made("dmoe_options", lib.dmoe_options_create))
        for name, value in values.items():
            self[name] = value

    def copy(self) -> "Options":
        """A copy that can be changed on its own."""
        other = Options.__new__(Options)
        Handle.__init__(other, made("dmoe_options", lib.dmoe_options_copy, self.pointer))
        return other

    def __setitem__(self, name: str, value: Any) -> None:
        call(lib.dmoe_options_set, self.pointer, encoded(name), encoded(_as_text(value)))

    def __getitem__(self, name: str) -> str:
        """The value as text."""
        return string(lib.dmoe_options_get, self.pointer, encoded(name))

    def update(self, values: Dict[str, Any]) -> None:
        """Sets every member, or none when one is refused."""
        call(lib.dmoe_options_set_json, self.pointer, encoded(json.dumps(values)))

    def load_file(self, path: Any) -> None:
        """Reads a configuration file, such as a run's config.json."""
        call(lib.dmoe_options_load_file, self.pointer, encoded(path))

    def read_environment(self) -> None:
        """Reads DEEPMOE_<NAME> for every option."""
        call(lib.dmoe_options_read_environment, self.pointer)

    def to_dict(self) -> Dict[str, Any]:
        """Every option with its resolved value."""
        return json.loads(string(lib.dmoe_options_to_json, self.pointer))

    @staticmethod
    def schema() -> Dict[str, Any]:
        """The table of options itself."""
        return json.loads(string(lib.dmoe_options_schema))


def architecture_names() -> List[str]:
    """The names that option `model` takes."""
    return json.loads(string(lib.dmoe_architecture_names))


def architecture(options: Options) -> Dict[str, Any]:
    """The network that the options describe, as data."""
    return json.loads(string(lib.dmoe_architecture_json, options.pointer))


def architecture_describe(options: Options) -> Dict[str, Any]:
    """The same with shapes, parameters and multiply-accumulates."""
    return json.loads(string(lib.dmoe_architecture_describe, options.pointer))


def architecture_text(options: Options) -> str:
    """The same as a table for people."""
    return string(lib.dmoe_architecture_text, options.pointer)


def settings(values: Dict[str, Any]) -> Any:
    """Keyword arguments as the JSON of a `settings_json`."""
    return encoded(json.dumps(values)) if values else ffi.NULL
