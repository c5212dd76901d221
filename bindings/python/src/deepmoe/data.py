"""Data sets: the library's own, and arrays of the program without a copy."""

import json
from typing import Any, Dict, Optional

import numpy

from .arrays import LentImages, address, borrowers, host_array, image_array, label_array, layout_number
from .arrays import lend, release_lent, take_back
from .callbacks import EventCallback, Receiver
from .library import Handle, encoded, ffi, lib, made, string
from .options import Options
from .options import settings as settings_json


class Dataset(Handle):
    """Labelled images: Dataset(images, labels), with images (N, 3, H, W) as normalised float32 or as uint8, which
    may also be (N, H, W, 3) with layout "nhwc" and have one channel. The images are not copied: leave them unchanged
    while the data set is in use. `num_classes` is 1 + the largest label unless given."""

    _kind = "dmoe_dataset"

    def __init__(self, images: Any, labels: Any, num_classes: Optional[int] = None, layout: str = "nchw") -> None:
        array = host_array(images, "images", ("float32", "uint8"), 4)
        targets = label_array(labels, len(array))
        classes = int(targets.max(initial=0)) + 1 if num_classes is None else num_classes
        number = lend(LentImages([array]))
        kept = (classes, release_lent, ffi.cast("void*", number))
        target = address(targets, "int64_t*")
        try:
            if array.dtype == numpy.uint8:
                count, first, second, third = array.shape
                form = (first, second, third) if layout == "nchw" else (third, first, second)
                pointer = made("dmoe_dataset", lib.dmoe_dataset_create_u8, address(array, "uint8_t*"), target, count,
                               *form, layout_number(layout), *kept)
            else:
                count, _, height, width = image_array(array).shape
                pointer = made("dmoe_dataset", lib.dmoe_dataset_create_f32, address(array, "float*"), target, count,
                               height, width, *kept)
        except BaseException:
            take_back(number)
            raise
        super().__init__(pointer)
        borrowers.add(self)

    @staticmethod
    def open(options: Options, split: str) -> "Dataset":
        """The split ("train", "test") of the data set that the options name."""
        dataset = Dataset.__new__(Dataset)
        Handle.__init__(dataset, made("dmoe_dataset", lib.dmoe_dataset_open, options.pointer, encoded(split)))
        return dataset

    def __len__(self) -> int:
        return lib.dmoe_dataset_size(self.pointer)

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return lib.dmoe_dataset_num_classes(self.pointer)

    def describe(self) -> Dict[str, Any]:
        """Size, classes, normalisation."""
        return json.loads(string(lib.dmoe_dataset_describe, self.pointer))


def fetch_dataset(dataset: str, data_dir: Any, callback: Optional[EventCallback] = None,
                  **settings: Any) -> Dict[str, Any]:
    """Makes sure that the folder holds the published data set ("cifar10", "cifar100"), and says what was done;
    settings: url, sha256."""
    receiver = Receiver(callback)
    return json.loads(receiver.during(lambda: string(
        lib.dmoe_fetch_dataset, encoded(dataset), encoded(data_dir), settings_json(settings), receiver.function,
        ffi.NULL)))
