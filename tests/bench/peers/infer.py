"""Times dense inference of a network in what a user would pick instead of the engine, on this machine.

usage: python infer.py THREADS BATCH {resnet18|resnet50|vgg16} [SIZE] [WHAT...]
WHAT: eager eager_cl inductor ort openvino (default: all). Prints one JSON line, milliseconds, medians.
needs: pip install torch torchvision onnx onnxruntime openvino
The networks are torchvision's with the CIFAR stem (3x3, stride 1, no max pool; VGG: global pool, one
linear layer) up to 64 pixels, and torchvision's own above; 10 classes, float32 throughout.
"""
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
import warnings

import torch
import torchvision
from torch import nn

warnings.filterwarnings("ignore")
threads, batch, which = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rest = sys.argv[4:]
size = int(rest.pop(0)) if rest and rest[0].isdigit() else 32
what = rest or ["eager", "eager_cl", "inductor", "ort", "openvino"]
torch.set_num_threads(threads)
torch.manual_seed(0)


def network():
    small = size <= 64
    if which == "vgg16":
        model = torchvision.models.vgg16_bn(num_classes=10)
        if small:
            model.avgpool = nn.AdaptiveAvgPool2d(1)
            model.classifier = nn.Linear(512, 10)
    elif which in ("resnet18", "resnet50"):
        model = getattr(torchvision.models, which)(num_classes=10)
        if small:
            model.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
            model.maxpool = nn.Identity()
    else:
        sys.exit(f"no network '{which}': resnet18, resnet50 and vgg16 are there")
    return model.eval()


def median_ms(run, blocks=5):
    """As deepmoe bench infer: a run that is not timed, then blocks of about 40 ms, on 64 images in turn."""
    turn = itertools.cycle(range(len(batches)))
    for _ in range(2):
        run(next(turn))
    start = time.perf_counter()
    run(next(turn))
    once = time.perf_counter() - start
    count = max(1, min(1000, int(0.04 / once)))
    times = []
    for _ in range(blocks):
        start = time.perf_counter()
        for _ in range(count):
            run(next(turn))
        times.append((time.perf_counter() - start) / count)
    return round(1e3 * statistics.median(times), 3)


def exported(folder):
    path = os.path.join(folder, "network.onnx")
    torch.onnx.export(network(), (batches[0],), path, dynamo=False, opset_version=17)
    return path


batches = [torch.randn(batch, 3, size, size) for _ in range((63 + batch) // batch)]
times = {}
with torch.inference_mode(), tempfile.TemporaryDirectory() as folder:
    if "eager" in what:
        model = network()
        times["eager"] = median_ms(lambda i: model(batches[i]))
    if "eager_cl" in what:
        model_cl = network().to(memory_format=torch.channels_last)
        batches_cl = [images.contiguous(memory_format=torch.channels_last) for images in batches]
        times["eager_cl"] = median_ms(lambda i: model_cl(batches_cl[i]))
    if "inductor" in what:
        import torch._inductor.config as inductor
        inductor.freezing = True
        compiled = torch.compile(network())
        times["inductor"] = median_ms(lambda i: compiled(batches[i]))
    if "ort" in what:
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(exported(folder), options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        arrays = [images.numpy() for images in batches]
        times["ort"] = median_ms(lambda i: session.run(None, {name: arrays[i]}))
    if "openvino" in what:
        import openvino
        core = openvino.Core()
        program = core.compile_model(core.read_model(exported(folder)), "CPU",
                                     {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"})
        arrays = [images.numpy() for images in batches]
        times["openvino"] = median_ms(lambda i: program(arrays[i]))
print(json.dumps({"network": which, "size": size, "batch": batch, "threads": threads, **times}))
