"""Batches of a data set, for loops of the program's own."""

from typing import Any, Iterator, Optional, Tuple

import numpy

from .data import Dataset
from .library import Handle, call, ffi, lib, made
from .options import Options


class Loader(Handle):
    """for images, labels in Loader(dataset, options): one pass over a data set in batches that threads decode, augment and
    normalise ahead of the caller. Options read: image_size, batch_size, num_workers, prefetch.

    With `epoch` (from 0) the order is shuffled and images are augmented as the options say, as in training; without it every
    image comes once, in order. The pass begins at batch `first_batch`. Arrays are the loader's own: they hold the
    batch until the next one is taken."""

    _kind = "dmoe_loader"

    def __init__(self, dataset: Dataset, options: Options, epoch: Optional[int] = None,
                 first_batch: int = 0) -> None:
        super().__init__(made("dmoe_loader", lib.dmoe_loader_create, dataset.pointer, options.pointer,
                              int(epoch is not None), epoch or 0, first_batch))
        self._first_batch = first_batch
        self.image_size: int = lib.dmoe_loader_image_size(self.pointer)

    def __len__(self) -> int:
        return max(lib.dmoe_loader_num_batches(self.pointer) - self._first_batch, 0)

    def __iter__(self) -> Iterator[Tuple[numpy.ndarray, numpy.ndarray]]:
        return self

    def __next__(self) -> Tuple[numpy.ndarray, numpy.ndarray]:
        images, labels, size = ffi.new("const float**"), ffi.new("const int64_t**"), ffi.new("int64_t*")
        call(lib.dmoe_loader_next, self.pointer, images, labels, size)
        if size[0] == 0:
            raise StopIteration
        shape = (size[0], 3, self.image_size, self.image_size)
        return self._array(images[0], shape, "f4"), self._array(labels[0], shape[:1], "i8")

    def _array(self, pointer: Any, shape: Tuple[int, ...], kind: str) -> numpy.ndarray:
        return numpy.asarray(_Lent(self._pointer, int(ffi.cast("intptr_t", pointer)), shape, kind))


class _Lent:
    """Memory of the loader, which it keeps alive."""

    def __init__(self, keep: Any, address: int, shape: Tuple[int, ...], kind: str) -> None:
        self._keep = keep
        self.__array_interface__ = {"version": 3, "data": (address, True), "shape": shape, "typestr": numpy.dtype(kind).str}
