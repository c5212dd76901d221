"""Named tensors: a safetensors file, a model's weights, or the outputs of a network."""

import json
from typing import Any, Dict, Iterator, Optional, Tuple

import numpy

from .arrays import address, capsule_of, lent_tensor, take_back
from .library import Handle, call, encoded, ffi, lib, made, string, text


class Tensor:
    """A tensor of a set, which shares its memory: for numpy.from_dlpack, torch.from_dlpack and the like."""

    def __init__(self, tensors: "Tensors", name: str) -> None:
        self._tensors = tensors
        self.name = name

    @property
    def shape(self) -> Tuple[int, ...]:
        """The extents; () for a scalar."""
        return self._tensors.shape(self.name)

    def __dlpack__(self, *, stream: Any = None, **_wishes: Any) -> Any:
        return capsule_of(self._managed())

    def __dlpack_device__(self) -> Tuple[int, int]:
        managed = self._managed()
        device = managed.dl_tensor.device
        place = (device.device_type, device.device_id)
        managed.deleter(managed)
        return place

    def array(self) -> numpy.ndarray:
        """The same memory as an array, read only where NumPy decides so."""
        return numpy.from_dlpack(self)

    def copy(self) -> numpy.ndarray:
        """A copy of a float32 tensor."""
        values = numpy.empty(self.shape, numpy.float32)
        call(lib.dmoe_tensors_read_f32, self._tensors.pointer, encoded(self.name), address(values, "float*"),
             values.size, ffi.NULL)
        return values

    def _managed(self) -> Any:
        return made("struct DLManagedTensor", lib.dmoe_tensors_get, self._tensors.pointer, encoded(self.name))


class Tensors(Handle):
    """A set of named tensors, which can be read as a dictionary."""

    _kind = "dmoe_tensors"

    def __init__(self, values: Optional[Dict[str, Any]] = None, pointer: Any = None) -> None:
        super().__init__(made("dmoe_tensors", lib.dmoe_tensors_create) if pointer is None else pointer)
        for name, array in (values or {}).items():
            self[name] = array

    @staticmethod
    def load(path: Any) -> "Tensors":
        """Opens a safetensors file, which is mapped and must not be written to while the set lives."""
        return Tensors(pointer=made("dmoe_tensors", lib.dmoe_tensors_load, encoded(path)))

    def save(self, path: Any, metadata: Optional[Dict[str, str]] = None) -> None:
        """Writes a safetensors file."""
        call(lib.dmoe_tensors_save, self.pointer, encoded(path), encoded(json.dumps(metadata or {})))

    def __len__(self) -> int:
        return lib.dmoe_tensors_count(self.pointer)

    def __iter__(self) -> Iterator[str]:
        return iter([text(lib.dmoe_tensors_name(self.pointer, index)) for index in range(len(self))])

    def keys(self) -> Iterator[str]:
        """The names, so that dict(tensors) works."""
        return iter(self)

    def __getitem__(self, name: str) -> Tensor:
        tensor = Tensor(self, name)
        tensor.shape  # pylint: disable=pointless-statement  # Raises for a name that is not there.
        return tensor

    def __setitem__(self, name: str, values: Any) -> None:
        """Adds an array in host memory, of NumPy or of anything with __dlpack__, under a new name without a copy: the
        set keeps it alive."""
        managed, number = lent_tensor(values)
        try:
            call(lib.dmoe_tensors_add, self.pointer, encoded(name), managed)
        except BaseException:
            take_back(number)
            raise

    def add_copy(self, name: str, array: numpy.ndarray) -> None:
        """Adds a copy as float32."""
        values = numpy.ascontiguousarray(array, numpy.float32)
        extents = ffi.new("int64_t[]", list(numpy.shape(array)) or [0])
        call(lib.dmoe_tensors_add_f32, self.pointer, encoded(name), address(values, "float*"), extents,
             numpy.ndim(array))

    def shape(self, name: str) -> Tuple[int, ...]:
        """The extents of a tensor."""
        extents = ffi.new("int64_t[64]")
        rank = ffi.new("int64_t*")
        call(lib.dmoe_tensors_shape, self.pointer, encoded(name), extents, 64, rank)
        return tuple(extents[0 : rank[0]])

    def metadata(self) -> Dict[str, str]:
        """The file's metadata."""
        return json.loads(string(lib.dmoe_tensors_metadata, self.pointer))
