"""Compares exported ONNX models in ONNX Runtime with `deepmoe predict --tensors`.

usage: onnx_test.py COMMAND LIBRARY FOLDER

COMMAND is the deepmoe command, LIBRARY libdeepmoe, which makes the weights; FOLDER is emptied and used. Prints a line
that begins "SKIPPED: " where numpy or onnxruntime cannot be imported.
"""
import ctypes
import json
import pathlib
import shutil
import struct
import subprocess
import sys

try:
    import numpy
    import onnxruntime
except ImportError as error:
    print(f"SKIPPED: {error}; sh cmake/bootstrap.sh test installs it")
    sys.exit(0)
try:
    import onnx
except ImportError:
    onnx = None

TOLERANCE = 1e-4  # of the largest absolute value of a tensor
BASE = {"num_classes": "10", "embedding_dim": "16", "width": "0.125", "gate_init": "random"}
# options of the network ("compact": after the removal of silent experts), sizes (height, width) of the images, further flags of the export
CASES = [
    ({"model": "resnet18_moe", "variant": "cifar", "gate_position": "post_bn"}, [(32, 32), (40, 24)], []),
    ({"model": "resnet18_moe", "variant": "cifar", "gate_position": "pre_bn"}, [(32, 32)], []),
    ({"model": "resnet34_moe", "variant": "imagenet", "gate_position": "input", "image_size": "64"}, [(64, 64), (33, 70)], []),
    ({"model": "resnet50_moe_a", "variant": "cifar", "gate_position": "input"}, [(32, 32)], []),
    ({"model": "resnet50_moe_a", "variant": "imagenet", "gate_position": "post_bn", "image_size": "96"}, [(96, 96)],
     ["--fixed_size", "96"]),
    ({"model": "resnet50_moe_b", "variant": "imagenet", "gate_position": "pre_bn", "wide": "true", "image_size": "64"},
     [(64, 64), (95, 65)], []),
    ({"model": "resnet50_moe_b", "variant": "cifar", "embedding_norm": "none", "gate_bias": "false"}, [(32, 32)], []),
    ({"model": "resnet18_moe", "variant": "cifar", "embedding_norm": "batch", "gate_bias": "true"}, [(32, 32)], []),
    ({"model": "resnet18_moe", "variant": "cifar", "gate_select": "topk", "gate_density": "0.4"}, [(32, 32)], []),
    ({"model": "vgg11_bn_moe", "variant": "cifar", "gate_select": "topk", "target_density": "0.5",
      "embedding_influence": "0.5", "gate_position": "input"}, [(32, 32)], []),
    ({"model": "vgg11_moe", "variant": "cifar", "gate_position": "post_bn"}, [(32, 32), (64, 32)], []),
    ({"model": "vgg13_bn_moe", "variant": "cifar", "gate_position": "input"}, [(32, 32)], []),
    ({"model": "vgg16_bn_moe", "variant": "cifar", "gate_position": "pre_bn"}, [(32, 32)], []),
    ({"model": "vgg11_bn_moe", "variant": "imagenet", "gate_position": "post_bn", "image_size": "224"}, [(224, 224)], []),
    # The 7x7 pool over 2x2, 9x9 and 14x14.
    ({"model": "vgg11_moe", "variant": "imagenet", "gate_position": "pre_bn", "image_size": "64"}, [(64, 64)], []),
    ({"model": "vgg11_moe", "variant": "imagenet", "gate_position": "input", "image_size": "64"}, [(288, 288)],
     ["--fixed_size", "288"]),
    ({"model": "vgg11_bn", "variant": "imagenet", "image_size": "64"}, [(448, 448)], ["--fixed_size", "448"]),
    ({"model": "resnet18_moe", "variant": "cifar", "gate_position": "pre_bn", "compact": "true"}, [(32, 32)], []),
    ({"model": "vgg11_bn_moe", "variant": "cifar", "gate_position": "input", "compact": "true"}, [(32, 32)], []),
    ({"model": "resnet18", "variant": "imagenet", "image_size": "64"}, [(64, 64), (48, 80)], []),
    ({"model": "resnet50", "variant": "cifar"}, [(32, 32)], []),
    ({"model": "vgg16", "variant": "cifar"}, [(32, 32)], []),
]


def read_tensors(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__", {})
    types = {"F32": numpy.float32, "I64": numpy.int64}
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(data[8 + size + begin:8 + size + end], types[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors, metadata


def write_tensors(path, tensors, metadata):
    header, blobs, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name, values in tensors.items():
        blob = numpy.ascontiguousarray(values).tobytes()
        kind = {"float32": "F32", "int64": "I64"}[str(values.dtype)]
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


class Library:
    """Makes new models through the C functions."""

    def __init__(self, path):
        self.functions = ctypes.CDLL(path)
        self.functions.dmoe_error_message.restype = ctypes.c_char_p

    def call(self, name, *arguments):
        error = ctypes.c_void_p()
        if getattr(self.functions, name)(*arguments, ctypes.byref(error)) != 0:
            raise RuntimeError(self.functions.dmoe_error_message(error).decode())

    def save_model(self, options, path):
        handle, model = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("dmoe_options_create", ctypes.byref(handle))
        for name, value in options.items():
            self.call("dmoe_options_set", handle, name.encode(), value.encode())
        self.call("dmoe_model_create", handle, None, ctypes.byref(model))
        self.call("dmoe_model_save", model, str(path).encode())
        self.functions.dmoe_model_release(model)
        self.functions.dmoe_options_release(handle)


def make_interesting(tensors, random):
    """Statistics and gates as after a training: nothing is 0 or 1, and about half of the experts are inactive."""
    changed = {}
    for name, values in tensors.items():
        shape = values.shape
        if name.endswith("running_mean"):
            values = random.normal(0, 0.2, shape)
        elif name.endswith("running_var"):
            values = random.uniform(0.5, 1.5, shape)
        elif name.endswith("bias"):
            values = random.normal(0, 0.2, shape)
        elif len(shape) == 1:  # a norm's weight
            values = random.uniform(0.5, 1.5, shape)
        elif ".fc.weight" in name or name.startswith("embedding.net"):
            values = random.normal(0, 1 if len(shape) == 2 else 2 / numpy.sqrt(numpy.prod(shape[1:])), shape)
        changed[name] = numpy.asarray(values).astype(tensors[name].dtype)
    return changed


def deepmoe(command, *arguments):
    result = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"deepmoe {' '.join(map(str, arguments))}\n{result.stderr}")


def compare(command, library, folder, number, options, sizes, flags):
    options = {"image_size": "32", **BASE, **options}
    compact = options.pop("compact", None)
    random = numpy.random.default_rng(number)
    weights, model = folder / "weights.safetensors", folder / "model.onnx"
    library.save_model(options, weights)
    tensors, metadata = read_tensors(weights)
    write_tensors(weights, make_interesting(tensors, random), metadata)
    if compact:
        tensors, metadata = read_tensors(weights)
        for name in tensors:
            if ".fc.weight" in name or name.startswith("gating."):
                tensors[name] = tensors[name].copy()
                tensors[name][::3] = 0  # every third expert is never active
        write_tensors(weights, tensors, metadata)
        deepmoe(command, "compact", "--weights", weights, "--dataset", "synthetic", "--synthetic_test_size", "64", "--out",
                folder / "compacted.safetensors")
        if (folder / "compacted.safetensors").stat().st_size > 0.9 * weights.stat().st_size:
            raise RuntimeError("nothing was compacted")
        weights = folder / "compacted.safetensors"
    gated = "moe" in options["model"]
    deepmoe(command, "export", "--weights", weights, "--onnx", model, *flags, *(["--gates"] if gated else []))
    if onnx is not None:
        onnx.checker.check_model(str(model), full_check=True)
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    worst, density = 0.0, []
    for height, width in sizes:
        for batch in (1, 3):
            images = random.normal(0, 1, (batch, 3, height, width)).astype(numpy.float32)
            write_tensors(folder / "x.safetensors", {"input": images}, {})
            deepmoe(command, "predict", "--weights", weights, "--tensors", folder / "x.safetensors", "--output",
                    folder / "y.safetensors")
            expected, _ = read_tensors(folder / "y.safetensors")
            if sorted(expected) != sorted(names):
                raise RuntimeError(f"outputs {sorted(names)} instead of {sorted(expected)}")
            for name, values in zip(names, session.run(None, {"input": images})):
                if values.shape != expected[name].shape or not numpy.isfinite(expected[name]).all():
                    raise RuntimeError(f"{name}: shape {values.shape} instead of {expected[name].shape}, or not finite")
                largest = numpy.abs(expected[name]).max()
                worst = max(worst, float(numpy.abs(values - expected[name]).max() / max(largest, 1e-30)))
                if name.startswith("gate."):
                    density.append(float((expected[name] > 0).mean()))
    text = f", density {numpy.mean(density):.2f}" if density else ""
    print(f"{worst:.1e}{text}: {' '.join(options[key] for key in options if key in ('model', 'variant', 'gate_position'))}")
    metadata = session.get_modelmeta().custom_metadata_map
    if json.loads(metadata["normalization"])["mean"] != [0.0, 0.0, 0.0]:
        raise RuntimeError("the metadata lack the normalisation")
    if density and not 0.1 < numpy.mean(density) < 0.9:
        raise RuntimeError("the gates of this case are too dense or too sparse to tell anything")
    return worst


def main():
    command, library, folder = sys.argv[1], Library(sys.argv[2]), pathlib.Path(sys.argv[3])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    failures = 0
    for number, (options, sizes, flags) in enumerate(CASES):
        try:
            worst = compare(command, library, folder, number, options, sizes, flags)
            if worst > TOLERANCE:
                raise RuntimeError(f"differs by {worst:.1e} of the largest value, allowed are {TOLERANCE:.0e}")
        except Exception as error:  # pylint: disable=broad-except
            failures += 1
            print(f"FAILED: {options}: {error}")
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(CASES) - failures} of {len(CASES)} cases passed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
