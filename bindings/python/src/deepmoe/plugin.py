"""Plugins: shared libraries that add data sets, observers, backbones and gate metrics."""

import json
from os import PathLike
from typing import Any, Dict, Union

from .library import Handle, encoded, lib, made, string


class Plugin(Handle):
    """Plugin(path) loads a plugin, whose data sets and backbones options `dataset` and `model` then take as PLUGIN:NAME. It
    stays loaded until the process ends. Option `plugin` does the same, and besides has observers and gate metrics take
    part. A plugin runs its own code in this process."""

    _kind = "dmoe_plugin"

    def __init__(self, path: Union[str, "PathLike[str]"]) -> None:
        super().__init__(made("dmoe_plugin", lib.dmoe_plugin_load, encoded(path)))

    def describe(self) -> Dict[str, Any]:
        """What it offers, and the versions of plugin and library."""
        return json.loads(string(lib.dmoe_plugin_describe, self.pointer))
